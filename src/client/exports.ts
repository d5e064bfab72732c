/** What the package `reflectt-node/client` shows beside `createClient`, on every platform. */
export type { ErrorCode, FieldError } from '../kernel/errors.ts';
export type { Event } from '../kernel/event.ts';
export type { Client, ClientOptions } from './client.ts';
export type { Delivery, EventFilter, ResetReason, Snapshot } from './delivery.ts';
export { ConnectionError, ProblemError } from './errors.ts';
export type { CollectionName, Collections } from './folds.ts';
export type { Changed } from './held.ts';
export type { Answer, CallOptions, Input, OperationName, Output } from './operations.ts';
export type { Change, Replica, ReplicaOptions } from './replica.ts';
export type { Bounds, Link, SubscribeOptions } from './subscription.ts';
export type { WaitOptions, Wanted } from './wait-for.ts';
