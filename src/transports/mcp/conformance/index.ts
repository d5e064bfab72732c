import type { Fixtures } from '../fixtures.ts';
import { content, PNG } from './content.ts';
import { dialogue } from './dialogue.ts';
import { prompts } from './prompts.ts';
import { state } from './state.ts';

const TEMPLATE = /^test:\/\/template\/([^/]+)\/data$/;

/** Tools, resources and prompts by which the public conformance suite looks at a server. */
export const fixtures: Fixtures = {
  tools: [...content, ...dialogue],
  resources: [
    { uri: 'test://static-text', name: 'static-text', mimeType: 'text/plain' },
    { uri: 'test://static-binary', name: 'static-binary', mimeType: 'image/png' },
    { uri: 'test://watched-resource', name: 'watched-resource', mimeType: 'text/plain' },
  ],
  templates: [{ uriTemplate: 'test://template/{id}/data', name: 'template', mimeType: 'application/json' }],
  read(uri) {
    if (uri === 'test://static-text')
      return { uri, mimeType: 'text/plain', text: 'This is the content of the static text resource.' };
    if (uri === 'test://static-binary') return { uri, mimeType: 'image/png', blob: PNG };
    if (uri === 'test://watched-resource') return { uri, mimeType: 'text/plain', text: 'Watched.' };
    const id = TEMPLATE.exec(uri)?.[1];
    if (id === undefined) return undefined;
    const text = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` });
    return { uri, mimeType: 'application/json', text };
  },
  prompts,
  verify: state.verify,
};
