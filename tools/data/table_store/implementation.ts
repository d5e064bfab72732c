import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { addTimestamps, updateTimestamp } from '@/lib/tools/helpers';
import type { ToolContext } from '@/lib/tools/helpers/tool-context';

type Row = Record<string, unknown> & { id: string };

interface Input {
  action: 'insert' | 'get' | 'query' | 'update' | 'delete' | 'tables';
  table: string;
  id: string;
  row: Record<string, unknown>;
  where?: Record<string, unknown>;
  limit?: number;
  shared?: boolean;
}

/** One row is one file, so that calls that come at once do not lose each other's rows. */
export async function table_store(input: Input, ctx: ToolContext) {
  const { action, table, id, row, where = {}, limit = 100 } = input;
  const target = input.shared ? 'global' : ctx.currentSpace;
  const file = (name: string) => [target, 'tables', table, `${name}.json`] as const;
  const read = async (name: string) => (await ctx.readJson(...file(name))) as Row;

  switch (action) {
    case 'tables':
      return { tables: await ctx.listDirs(target, 'tables') };
    case 'insert': {
      const made = addTimestamps({ ...row, id: id ?? randomUUID() });
      if (ctx.fileExists(...file(made.id))) throw new Error(`The table ${table} has a row ${made.id}.`);
      await ctx.writeJson(...file(made.id), made);
      return { row: made };
    }
    case 'get':
      return { row: ctx.fileExists(...file(id)) ? await read(id) : null };
    case 'update': {
      if (!ctx.fileExists(...file(id))) throw new Error(`The table ${table} has no row ${id}.`);
      const changed = updateTimestamp({ ...(await read(id)), ...row, id });
      await ctx.writeJson(...file(id), changed);
      return { row: changed };
    }
    case 'delete':
      return { deleted: await ctx.deleteFile(...file(id)) };
    case 'query': {
      const rows: Row[] = [];
      for (const name of await ctx.listFiles(target, 'tables', table, '.json')) {
        const each = await read(name.slice(0, -'.json'.length));
        if (Object.entries(where).every(([field, value]) => isDeepStrictEqual(each[field], value))) rows.push(each);
        if (rows.length === limit) break;
      }
      return { rows, count: rows.length };
    }
  }
}
