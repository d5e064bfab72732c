import {
  CLIENT_CAPABILITIES_META_KEY,
  type InputRequests,
  inputRequired,
  inputResponse,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { FixtureTool } from '../fixtures.ts';
import { fixture, text } from './content.ts';
import { state } from './state.ts';

type Form = Parameters<typeof inputRequired.elicit>[0];
type Schema = Extract<Form, { requestedSchema: unknown }>['requestedSchema'];

const string = { type: 'string' } as const;

/** Asks a person for one field. */
export function ask(message: string, field: string, schema: object = string) {
  const requestedSchema = { type: 'object', properties: { [field]: schema }, required: [field] } as Schema;
  return inputRequired.elicit({ message, requestedSchema });
}

function sample(words: string, maxTokens: number) {
  return inputRequired.createMessage({
    messages: [{ role: 'user', content: { type: 'text', text: words } }],
    maxTokens,
  });
}

function answered({ mcpReq }: ServerContext, key: string) {
  return inputResponse(mcpReq.inputResponses, key);
}

/** Asks until every key is answered, then says it. */
function dialogueOf(
  name: string,
  description: string,
  requests: (input: Record<string, unknown>) => InputRequests,
  say: (answers: Record<string, ReturnType<typeof answered>>) => string,
  sealed = false,
): FixtureTool {
  return fixture(name, description, async (input, context) => {
    const inputRequests = requests(input);
    const answers = Object.fromEntries(Object.keys(inputRequests).map((key) => [key, answered(context, key)]));
    const step = sealed ? context.mcpReq.requestState<{ step: number }>()?.step : 1;
    if (step === 1 && Object.values(answers).every(({ kind }) => kind !== 'missing')) return text(say(answers));
    return inputRequired({ inputRequests, ...(sealed && { requestState: await state.mint({ step: 1 }) }) });
  });
}

function elicited(answer: ReturnType<typeof answered> | undefined): string {
  return answer?.kind === 'elicit' ? `action=${answer.action}, content=${JSON.stringify(answer.content)}` : 'none';
}

const DEFAULTS = {
  type: 'object',
  properties: {
    name: { type: 'string', default: 'John Doe' },
    age: { type: 'integer', default: 30 },
    score: { type: 'number', default: 95.5 },
    status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
    verified: { type: 'boolean', default: true },
  },
} as Schema;

const OPTIONS = ['option1', 'option2', 'option3'];
const TITLED = [
  { const: 'value1', title: 'First Option' },
  { const: 'value2', title: 'Second Option' },
  { const: 'value3', title: 'Third Option' },
];

const ENUMS = {
  type: 'object',
  properties: {
    untitledSingle: { type: 'string', enum: OPTIONS },
    titledSingle: { type: 'string', oneOf: TITLED },
    legacyEnum: {
      type: 'string',
      enum: ['opt1', 'opt2', 'opt3'],
      enumNames: ['Option One', 'Option Two', 'Option Three'],
    },
    untitledMulti: { type: 'array', items: { type: 'string', enum: OPTIONS } },
    titledMulti: { type: 'array', items: { anyOf: TITLED } },
  },
} as Schema;

const PERSON = {
  type: 'object',
  properties: {
    username: { type: 'string', description: "User's response" },
    email: { type: 'string', description: "User's email address" },
  },
  required: ['username', 'email'],
} as Schema;

const confirm = () => ({ confirm: ask('Please confirm', 'ok', { type: 'boolean' }) });

/** Tools that need something of their client before they can answer. */
export const dialogue: readonly FixtureTool[] = [
  dialogueOf(
    'test_sampling',
    'Asks the model of its client.',
    ({ prompt }) => ({ sampled: sample(String(prompt), 100) }),
    ({ sampled }) => `LLM response: ${JSON.stringify(sampled)}`,
  ),
  dialogueOf(
    'test_elicitation',
    'Asks the person at its client.',
    ({ message }) => ({ person: inputRequired.elicit({ message: String(message), requestedSchema: PERSON }) }),
    ({ person }) => `User response: ${elicited(person)}`,
  ),
  dialogueOf(
    'test_elicitation_sep1034_defaults',
    'Asks with a form that is filled in.',
    () => ({ form: inputRequired.elicit({ message: 'Please look at it', requestedSchema: DEFAULTS }) }),
    ({ form }) => `Elicitation completed: ${elicited(form)}`,
  ),
  dialogueOf(
    'test_elicitation_sep1330_enums',
    'Asks to choose, in every way.',
    () => ({ form: inputRequired.elicit({ message: 'Please choose', requestedSchema: ENUMS }) }),
    ({ form }) => `Elicitation completed: ${elicited(form)}`,
  ),
  dialogueOf(
    'test_streaming_elicitation',
    'Asks within a stream.',
    () => ({ user_name: ask('What is your name?', 'name') }),
    ({ user_name }) => elicited(user_name),
  ),
  dialogueOf(
    'test_missing_capability',
    'Needs a client that has a model.',
    () => ({ sampled: sample('Say something', 10) }),
    ({ sampled }) => JSON.stringify(sampled),
  ),
  dialogueOf(
    'test_input_required_result_elicitation',
    'Asks for a name.',
    () => ({ user_name: ask('What is your name?', 'name') }),
    ({ user_name }) => `Hello, ${user_name?.kind === 'elicit' ? user_name.content?.name : 'nobody'}!`,
  ),
  dialogueOf(
    'test_input_required_result_sampling',
    'Asks the model of its client.',
    () => ({ capital_question: sample('What is the capital of France?', 100) }),
    ({ capital_question }) => JSON.stringify(capital_question),
  ),
  dialogueOf(
    'test_input_required_result_list_roots',
    'Asks for the roots of its client.',
    () => ({ client_roots: inputRequired.listRoots() }),
    ({ client_roots }) => JSON.stringify(client_roots),
  ),
  dialogueOf('test_input_required_result_request_state', 'Seals a state.', confirm, () => 'state-ok', true),
  dialogueOf('test_input_required_result_tampered_state', 'Seals a state.', confirm, () => 'state-ok', true),
  dialogueOf(
    'test_input_required_result_multiple_inputs',
    'Asks for three things.',
    () => ({
      user_name: ask('What is your name?', 'name'),
      greeting: sample('Generate a greeting', 50),
      client_roots: inputRequired.listRoots(),
    }),
    (answers) => JSON.stringify(answers),
    true,
  ),
  fixture('test_input_required_result_capabilities', 'Asks as its client can answer.', (_, { mcpReq }) => {
    const can = (mcpReq.envelope as Record<string, object> | undefined)?.[CLIENT_CAPABILITIES_META_KEY] ?? {};
    return inputRequired({
      inputRequests: {
        ...('elicitation' in can && { user_name: ask('What is your name?', 'name') }),
        ...('sampling' in can && { greeting: sample('Generate a greeting', 50) }),
      },
    });
  }),
  fixture('test_input_required_result_multi_round', 'Asks twice.', async (_, context) => {
    const step = context.mcpReq.requestState<{ step: number }>()?.step ?? 0;
    if (step === 1 && answered(context, 'step1').kind !== 'missing')
      return inputRequired({
        inputRequests: { step2: ask('Step 2: What is your favorite color?', 'color') },
        requestState: await state.mint({ step: 2 }),
      });
    if (step === 2 && answered(context, 'step2').kind !== 'missing') return text('Both are answered.');
    return inputRequired({
      inputRequests: { step1: ask('Step 1: What is your name?', 'name') },
      requestState: await state.mint({ step: 1 }),
    });
  }),
];
