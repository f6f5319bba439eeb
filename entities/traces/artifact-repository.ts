import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import { StoredRowInvalid } from '../entity-errors.ts';

/** A JSON value at rest: in its row as text while it is small, in an artifact by reference when it is large. */
export interface StoredValue {
  readonly json: string | null;
  readonly artifactId: string | null;
}

export const NOTHING_STORED: StoredValue = { json: null, artifactId: null };

/** A value whose JSON is longer than this many characters goes into an artifact: rows stay small and quick to scan. */
export const INLINE_LIMIT = 16_384;

export interface NewArtifact {
  readonly id: string;
  readonly tenant: TenantId;
  readonly taskId: TaskId;
  /** Unique within the task. */
  readonly name: string;
  readonly mediaType: string;
  readonly content: Uint8Array;
}

export interface ArtifactRecord {
  readonly id: string;
  readonly name: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly content: Uint8Array;
}

/** Bytes that are too large or too secret for a row of their own table. Written once, never changed. */
export class ArtifactRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  /** Stores an artifact and returns its id. The same name in the same task keeps the first content and its id. */
  async insert(artifact: NewArtifact): Promise<string> {
    const result = await sql<{ id: string }>`
      insert into muster.artifacts (id, tenant_id, task_id, name, media_type, sha256, size_bytes, content)
      select ${artifact.id}, ${artifact.tenant}, ${artifact.taskId}, ${artifact.name}, ${artifact.mediaType},
        encode(sha256(bytes), 'hex'), length(bytes), bytes
      from (select ${Buffer.from(artifact.content)}::bytea as bytes) as content
      on conflict (task_id, name) where task_id is not null do update set name = excluded.name
      returning id`.execute(this.#em.getKysely());
    const row = result.rows[0];
    if (row === undefined) throw new Error(`The artifact ${artifact.name} could not be stored.`);
    return row.id;
  }

  async find(id: string): Promise<ArtifactRecord | null> {
    const found = await this.findAll([id]);
    return found.get(id) ?? null;
  }

  async findAll(ids: readonly string[]): Promise<Map<string, ArtifactRecord>> {
    if (ids.length === 0) return new Map();
    const result = await sql<{ id: string; name: string; media_type: string; size_bytes: number; content: Buffer }>`
      select id, name, media_type, size_bytes, content from muster.artifacts
      where id = any(${[...ids]}::uuid[])`.execute(this.#em.getKysely());
    return new Map(
      result.rows.map((row) => [
        row.id,
        { id: row.id, name: row.name, mediaType: row.media_type, sizeBytes: row.size_bytes, content: row.content },
      ]),
    );
  }

  /**
   * Reads values back from where they are stored, all artifacts in one statement. Null where nothing is stored.
   * @param missing what an artifact that is not there means: retention removes those of old tasks, so a reader of the
   *   past takes `null`; for work that is under way it is a fault
   * @throws StoredRowInvalid for an artifact that is not what was written
   */
  async load<Key>(
    values: ReadonlyMap<Key, StoredValue>,
    { missing = 'fault' }: { missing?: 'fault' | 'null' } = {},
  ): Promise<Map<Key, Json>> {
    const ids = [...values.values()].flatMap((value) => (value.artifactId === null ? [] : [value.artifactId]));
    const contents = await this.#contents(ids);
    const read = ({ artifactId, json }: StoredValue): Json => {
      if (artifactId === null) return json === null ? null : JSON.parse(json);
      const content = contents.get(artifactId);
      if (content !== undefined) return readContent(artifactId, content);
      if (missing === 'null') return null;
      throw new StoredRowInvalid('artifacts', artifactId, 'it is not there.');
    };
    return new Map([...values].map(([key, value]) => [key, read(value)]));
  }

  /** The bytes, and whether they still are those of the checksum that was written with them. */
  async #contents(ids: readonly string[]): Promise<Map<string, StoredContent>> {
    if (ids.length === 0) return new Map();
    const result = await sql<{ id: string; content: Buffer; whole: boolean }>`
      select id, content, encode(sha256(content), 'hex') = sha256 as whole from muster.artifacts
      where id = any(${[...ids]}::uuid[])`.execute(this.#em.getKysely());
    return new Map(result.rows.map((row) => [row.id, { content: row.content, whole: row.whole }]));
  }
}

interface StoredContent {
  readonly content: Uint8Array;
  readonly whole: boolean;
}

function readContent(id: string, { content, whole }: StoredContent): Json {
  if (!whole) throw new StoredRowInvalid('artifacts', id, 'its content was changed after it was written.');
  try {
    return JSON.parse(new TextDecoder().decode(content));
  } catch {
    throw new StoredRowInvalid('artifacts', id, 'its content is no JSON.');
  }
}
