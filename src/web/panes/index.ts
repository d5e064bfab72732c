import type { ComponentType } from 'preact';

/** A pane: opened over the page by its address `#/<name>` or `#/<name>/<id>`, loaded when it is opened for the first time. */
export interface Pane {
  name: string;
  title: string;
  /** The keys that open it: `g m`. */
  keys?: string;
  load(): Promise<{ default: ComponentType<{ id: string | undefined }> }>;
}

/** Every pane. Adding one: a file beside this one and a line here. */
export const panes: readonly Pane[] = [];
