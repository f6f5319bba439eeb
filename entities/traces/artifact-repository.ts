import { type Expression, expressionBuilder } from 'kysely';
import type { ArtifactId, TaskId, TenantId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import { anyOf } from '../common-expressions.ts';
import { StoredRowInvalid } from '../entity-errors.ts';
import { Repository } from '../repository.ts';
import { type Tables, tables } from '../tables.ts';

const eb = expressionBuilder<Tables, never>();

/** A JSON value at rest: in its row as text while it is small, in an artifact by reference when it is large. */
export interface StoredValue {
  readonly json: string | null;
  readonly artifactId: ArtifactId | null;
}

export const NOTHING_STORED: StoredValue = { json: null, artifactId: null };

/** A value whose JSON is longer than this many characters goes into an artifact: rows stay small and quick to scan. */
export const INLINE_LIMIT = 16_384;

export interface NewArtifact {
  readonly id: ArtifactId;
  readonly tenant: TenantId;
  readonly taskId: TaskId;
  /** Unique within the task. */
  readonly name: string;
  readonly mediaType: string;
  readonly content: Uint8Array;
}

export interface ArtifactRecord {
  readonly id: ArtifactId;
  readonly name: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly content: Uint8Array;
}

/** Bytes that are too large or too secret for a row of their own table. Written once, never changed. */
export class ArtifactRepository extends Repository {
  /** Stores an artifact and returns its id. The same name in the same task keeps the first content and its id. */
  async insert({ id, tenant, taskId, name, mediaType, content }: NewArtifact): Promise<ArtifactId> {
    const db = tables(this.em);
    const stored = await db
      .insertInto('artifacts')
      .columns(['id', 'tenantId', 'taskId', 'name', 'mediaType', 'sha256', 'sizeBytes', 'content'])
      .expression(() => {
        const given = db.selectNoFrom(eb.cast<Buffer>(eb.val(Buffer.from(content)), 'bytea').as('bytes')).as('given');
        return db
          .selectFrom(given)
          .select([id, tenant, taskId, name, mediaType].map((value, index) => eb.val(value).as(`value${index}`)))
          .select(({ ref, fn }) => [
            checksumOf(ref('given.bytes')).as('sha256'),
            fn<number>('length', ['given.bytes']).as('sizeBytes'),
            'given.bytes',
          ]);
      })
      .onConflict((conflict) =>
        conflict
          .columns(['taskId', 'name'])
          .where('taskId', 'is not', null)
          .doUpdateSet({ name: (eb) => eb.ref('excluded.name') }),
      )
      .returning('id')
      .executeTakeFirstOrThrow();
    return stored.id;
  }

  async find(id: ArtifactId): Promise<ArtifactRecord | null> {
    const found = await this.findAll([id]);
    return found.get(id) ?? null;
  }

  async findAll(ids: readonly ArtifactId[]): Promise<Map<ArtifactId, ArtifactRecord>> {
    if (ids.length === 0) return new Map();
    const artifacts = await tables(this.em)
      .selectFrom('artifacts')
      .select(['id', 'name', 'mediaType', 'sizeBytes', 'content'])
      .where('id', '=', anyOf(ids))
      .execute();
    return new Map(artifacts.map((artifact) => [artifact.id, artifact]));
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
  async #contents(ids: readonly ArtifactId[]): Promise<Map<ArtifactId, StoredContent>> {
    if (ids.length === 0) return new Map();
    const contents = await tables(this.em)
      .selectFrom('artifacts')
      .select((eb) => [
        'id',
        'content',
        eb(checksumOf(eb.ref('content')), '=', eb.ref('sha256'))
          .$castTo<boolean>()
          .as('whole'),
      ])
      .where('id', '=', anyOf(ids))
      .execute();
    return new Map(contents.map(({ id, ...content }) => [id, content]));
  }
}

interface StoredContent {
  readonly content: Uint8Array;
  readonly whole: boolean;
}

/** The lower-case hexadecimal SHA-256 of bytes, worked out by the database. */
function checksumOf(bytes: Expression<Uint8Array>) {
  return eb.fn<string>('encode', [eb.fn('sha256', [bytes]), eb.val('hex')]);
}

function readContent(id: string, { content, whole }: StoredContent): Json {
  if (!whole) throw new StoredRowInvalid('artifacts', id, 'its content was changed after it was written.');
  try {
    return JSON.parse(new TextDecoder().decode(content));
  } catch {
    throw new StoredRowInvalid('artifacts', id, 'its content is no JSON.');
  }
}
