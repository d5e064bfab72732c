import type { CollectionSpec } from '../../kernel/capability.ts';

/** Every event but posts in the index, found by reader and then by time, by type, or by who did it; or by channel. */
export const activityTable: CollectionSpec = {
  name: 'activity',
  keep: 'history',
  columns: {
    // What was made elsewhere, and imported, stands at the time of its making.
    ts: "INTEGER AS (CASE WHEN doc ->> 'type' LIKE '%@_created' ESCAPE '@' THEN coalesce(doc ->> '$.data.createdAt', doc ->> 'at') ELSE doc ->> 'at' END) STORED",
    type: "TEXT AS (doc ->> 'type') STORED",
    actor: "TEXT AS (doc ->> 'actor') STORED",
    channel: "TEXT AS (doc ->> '$.data.channel') STORED",
    // '' stands for everybody.
    reader: "TEXT AS (coalesce(doc ->> '$.readers[0]', '')) STORED",
    other_reader: "TEXT AS (nullif(doc ->> '$.readers[1]', doc ->> '$.readers[0]')) STORED",
  },
  indexes: [
    'CREATE INDEX activity_by_time ON activity (reader, ts)',
    'CREATE INDEX activity_by_type ON activity (reader, type, ts)',
    'CREATE INDEX activity_by_actor ON activity (reader, actor, type, ts)',
    'CREATE INDEX activity_by_channel ON activity (channel, type, ts) WHERE channel IS NOT NULL',
    'CREATE INDEX activity_by_time_for_other ON activity (other_reader, ts) WHERE other_reader IS NOT NULL',
    'CREATE INDEX activity_by_type_for_other ON activity (other_reader, type, ts) WHERE other_reader IS NOT NULL',
    'CREATE INDEX activity_by_actor_for_other ON activity (other_reader, actor, type, ts) WHERE other_reader IS NOT NULL',
  ],
};
