import { inputRequired, inputResponse } from '@modelcontextprotocol/server';
import type { FixturePrompt } from '../fixtures.ts';
import { PNG } from './content.ts';
import { ask } from './dialogue.ts';

function said(text: string) {
  return { role: 'user', content: { type: 'text', text } };
}

function prompt(name: string, names: readonly string[], get: FixturePrompt['get']): FixturePrompt {
  const fields = names.map((each) => ({ name: each, description: each, required: true }));
  return { listed: { name, description: name, arguments: fields }, get };
}

export const prompts: readonly FixturePrompt[] = [
  prompt('test_simple_prompt', [], () => ({ messages: [said('This is a simple prompt for testing.')] })),
  prompt('test_prompt_with_arguments', ['arg1', 'arg2'], ({ arg1, arg2 }) => ({
    messages: [said(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)],
  })),
  prompt('test_prompt_with_embedded_resource', ['resourceUri'], ({ resourceUri: uri }) => ({
    messages: [
      {
        role: 'user',
        content: {
          type: 'resource',
          resource: { uri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' },
        },
      },
      said('Please process the embedded resource above.'),
    ],
  })),
  prompt('test_prompt_with_image', [], () => ({
    messages: [
      { role: 'user', content: { type: 'image', data: PNG, mimeType: 'image/png' } },
      said('Please analyze the image above.'),
    ],
  })),
  prompt('test_input_required_result_prompt', [], (_, { mcpReq }) => {
    const answer = inputResponse(mcpReq.inputResponses, 'user_context');
    return answer.kind === 'elicit'
      ? { messages: [said(`Context: ${JSON.stringify(answer.content)}`)] }
      : inputRequired({ inputRequests: { user_context: ask('What context should the prompt use?', 'context') } });
  }),
];
