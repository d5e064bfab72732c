import type { ToolContext } from '../run/context.ts';

// Stands in for the modules that tools of another host import for their common needs.

export type { ToolContext };
export type SpaceTarget = string | undefined;
export type ToolOutput<T = Record<string, unknown>> = { success: boolean; error?: string } & Partial<T>;

export interface ValidationResult {
  valid: boolean;
  errors: { field: string; message: string }[];
}

function context(): ToolContext {
  return (globalThis as Record<symbol, unknown>)[Symbol.for('reflectt.tool')] as ToolContext;
}

export function formatError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The time now, ISO 8601. */
export function now(): string {
  return new Date().toISOString();
}

function result(valid: boolean, field: string, complaint: string): ValidationResult {
  return valid ? { valid, errors: [] } : { valid, errors: [{ field, message: `${field} ${complaint}` }] };
}

export function validateRequired(value: unknown, field: string): ValidationResult {
  return result(value !== undefined && value !== null && value !== '', field, 'is required');
}

export function validateString(value: unknown, field: string): ValidationResult {
  return result(typeof value === 'string', field, 'must be a string');
}

export function validateNumber(value: unknown, field: string): ValidationResult {
  return result(typeof value === 'number' && Number.isFinite(value), field, 'must be a number');
}

export function validateArray(value: unknown, field: string): ValidationResult {
  return result(Array.isArray(value), field, 'must be a list');
}

export function validateObject(value: unknown, field: string): ValidationResult {
  return result(typeof value === 'object' && value !== null && !Array.isArray(value), field, 'must be an object');
}

export function validateIdentifier(value: unknown, field: string): ValidationResult {
  const valid = typeof value === 'string' && /^[A-Za-z0-9][\w:-]{0,127}$/.test(value);
  return result(valid, field, 'must be letters, digits, _ : and -');
}

export function validateEventType(value: unknown, field: string): ValidationResult {
  const valid = typeof value === 'string' && /^[A-Za-z0-9][\w.:-]{0,127}$/.test(value);
  return result(valid, field, 'must be letters, digits, _ . : and -');
}

/** All that is wrong. */
export function validateAll(checks: readonly (() => ValidationResult)[]): ValidationResult {
  const errors = checks.flatMap((check) => check().errors);
  return { valid: errors.length === 0, errors };
}

/** The first that is wrong, in words; null where nothing is. */
export function quickValidate(checks: readonly (() => ValidationResult)[]): string | null {
  return validateAll(checks).errors[0]?.message ?? null;
}

/** The result with `success`, or what was thrown as `error`. */
export async function withErrorHandling<T extends object>(work: () => Promise<T>): Promise<ToolOutput<T>> {
  try {
    return { success: true, ...(await work()) };
  } catch (error) {
    return { success: false, error: formatError(error) } as ToolOutput<T>;
  }
}

export function addTimestamps<T extends object>(record: T): T & { created_at: string; updated_at: string } {
  const at = now();
  return { ...record, created_at: at, updated_at: at };
}

export function updateTimestamp<T extends object>(record: T): T & { updated_at: string } {
  return { ...record, updated_at: now() };
}

/** What a file of the space holds; null where it is not there. */
export async function readJsonFile<T = unknown>(path: string): Promise<T | null> {
  return context().fileExists(path) ? ((await context().readJson(path)) as T) : null;
}

export async function writeJsonFile(path: string, value: unknown): Promise<void> {
  await context().writeJson(path, value);
}

export async function readTextFile(path: string): Promise<string | null> {
  return context().fileExists(path) ? context().readText(path) : null;
}

export async function writeTextFile(path: string, text: string): Promise<void> {
  await context().writeText(path, text);
}

export async function checkFileExists(path: string): Promise<boolean> {
  return context().fileExists(path);
}

export const fileExists = checkFileExists;

export async function ensureDir(path: string): Promise<void> {
  await context().ensureDir(path);
}

export const ensureDirectory = ensureDir;
export const listFiles = (path: string, ...ending: string[]) => context().listFiles(path, ...ending);
export const listDirs = (path: string) => context().listDirs(path);
export const deleteFile = (path: string) => context().deleteFile(path);
