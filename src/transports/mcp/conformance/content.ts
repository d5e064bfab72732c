import { setTimeout as wait } from 'node:timers/promises';
import type { FixtureTool } from '../fixtures.ts';

/** One red point. */
export const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';

/** No sound at all: the head of a WAV file. */
const WAV = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=';

const PAUSE_MS = 50;

/** A tool without arguments. */
export function fixture(name: string, description: string, call: FixtureTool['call']): FixtureTool {
  return { listed: { name, description, inputSchema: { type: 'object', properties: {} } }, call };
}

export function text(words: string) {
  return { content: [{ type: 'text', text: words }] };
}

export const content: readonly FixtureTool[] = [
  fixture('test_simple_text', 'Answers text.', () => text('This is a simple text response for testing.')),
  fixture('test_image_content', 'Answers an image.', () => ({
    content: [{ type: 'image', data: PNG, mimeType: 'image/png' }],
  })),
  fixture('test_audio_content', 'Answers a sound.', () => ({
    content: [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }],
  })),
  fixture('test_embedded_resource', 'Answers a resource.', () => ({
    content: [
      {
        type: 'resource',
        resource: {
          uri: 'test://embedded-resource',
          mimeType: 'text/plain',
          text: 'This is an embedded resource content.',
        },
      },
    ],
  })),
  fixture('test_multiple_content_types', 'Answers text, an image and a resource.', () => ({
    content: [
      { type: 'text', text: 'Multiple content types test:' },
      { type: 'image', data: PNG, mimeType: 'image/png' },
      {
        type: 'resource',
        resource: {
          uri: 'test://mixed-content-resource',
          mimeType: 'application/json',
          text: JSON.stringify({ test: 'data', value: 123 }),
        },
      },
    ],
  })),
  fixture('test_error_handling', 'Answers an error.', () => ({
    ...text('This tool intentionally returns an error for testing'),
    isError: true,
  })),
  fixture('test_tool_with_logging', 'Logs what it does.', async (_, { mcpReq }) => {
    await mcpReq.log('info', 'Tool execution started');
    await wait(PAUSE_MS);
    await mcpReq.log('info', 'Tool processing data');
    await wait(PAUSE_MS);
    await mcpReq.log('info', 'Tool execution completed');
    return text('Logged three times.');
  }),
  fixture('test_logging_tool', 'Logs where it is asked to.', async (_, { mcpReq }) => {
    await mcpReq.log('info', 'Tool execution started');
    return text('Logged.');
  }),
  fixture('test_tool_with_progress', 'Tells how far it is.', async (_, { mcpReq }) => {
    const progressToken = mcpReq._meta?.progressToken;
    for (const progress of [0, 50, 100]) {
      if (progressToken !== undefined)
        await mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, total: 100 } });
      await wait(PAUSE_MS);
    }
    return text('Done.');
  }),
];
