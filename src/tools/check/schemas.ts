import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { FieldError } from '../../kernel/errors.ts';
import type { JsonSchema } from '../../kernel/toolbox.ts';

const OPTIONS: Options = {
  strict: false,
  allErrors: true,
  validateFormats: false,
  // A schema that names itself many times must not grow when it is compiled.
  inlineRefs: false,
  addUsedSchema: false,
  logger: false,
};

let draft7: Ajv | undefined;
let draft2020: Ajv2020 | undefined;

/** What only 2020-12 has, and a schema that does not name its draft may use. */
const NEWER = ['prefixItems', 'unevaluatedProperties', 'unevaluatedItems', 'dependentRequired', '$dynamicRef'];

/** The draft of a schema: 2020-12 where it says so, else draft-07; and the schema without that. */
function draftOf({ $schema, ...rest }: JsonSchema): { ajv: Ajv | Ajv2020; rest: JsonSchema } {
  const newer =
    typeof $schema === 'string'
      ? /20(?:19-09|20-12)/.test($schema)
      : NEWER.some((word) => JSON.stringify(rest).includes(`"${word}":`));
  return { rest, ajv: newer ? (draft2020 ??= new Ajv2020(OPTIONS)) : (draft7 ??= new Ajv(OPTIONS)) };
}

/** Words of a schema whose faults are seen only when a check is made of it: what it refers to, and patterns. */
const DEEP = /"(?:\$ref|\$dynamicRef|\$recursiveRef|pattern|patternProperties|discriminator)"/;

/** Throws where it is no schema; a tenth of the work of {@link compile} for most. */
export function requireSchema(schema: JsonSchema): void {
  const { ajv, rest } = draftOf(schema);
  if (DEEP.test(JSON.stringify(rest))) compile(schema);
  else if (!ajv.validateSchema(rest)) throw new Error(ajv.errorsText(ajv.errors, { dataVar: 'schema' }));
}

/** A check made of a JSON Schema. Nothing is loaded from elsewhere. Throws. */
export function compile(schema: JsonSchema): ValidateFunction {
  const { ajv, rest } = draftOf(schema);
  try {
    return ajv.compile(rest);
  } finally {
    ajv.removeSchema(rest);
  }
}

/** Errors told at most. */
const ERRORS = 20;

/** What a check found, with pointers into the value. */
export function faultsOf({ errors }: ValidateFunction): FieldError[] {
  const all = errors ?? [];
  // That a branch does not hold says no more than what is wrong in it.
  const telling = all.filter(({ keyword }) => keyword !== 'if');
  return (telling.length > 0 ? telling : all).slice(0, ERRORS).map(toFieldError);
}

function toFieldError({ instancePath, keyword, params, message = 'is wrong' }: ErrorObject): FieldError {
  const below = (name: unknown) => `${instancePath}/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`;
  if (keyword === 'required') return { pointer: below(params.missingProperty), detail: 'is required' };
  if (keyword === 'additionalProperties') return { pointer: below(params.additionalProperty), detail: 'is not known' };
  if (keyword === 'enum')
    return { pointer: instancePath, detail: `must be one of ${JSON.stringify(params.allowedValues)}` };
  return { pointer: instancePath, detail: message };
}
