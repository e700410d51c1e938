// Attributes and time series: values by entity, scope and key.
import type { Milliseconds } from "./entities";
import type { Uuid } from "./ids";

export const SCOPES = ["CLIENT_SCOPE", "SERVER_SCOPE", "SHARED_SCOPE"] as const;
export type Scope = (typeof SCOPES)[number];

/** `text` is the value as ThingsBoard prints it; for all kinds but "string" it is JSON as it stands. */
export interface Value {
    readonly kind: "string" | "boolean" | "long" | "double" | "json";
    readonly text: string;
}
export interface Point extends Value {
    readonly ts: Milliseconds;
}

/** How many points of a series are kept: enough to look back, and memory stays linear in devices. */
const HISTORY = 50;

export type KeyValueChange =
    | { readonly attribute: [Uuid, Scope, string, Point | null] }
    | { readonly series: [Uuid, string, readonly Point[]] }
    | { readonly forget: Uuid };

export interface KeyValues {
    attributes(entity: Uuid, scope: Scope): ReadonlyMap<string, Point>;
    setAttribute(entity: Uuid, scope: Scope, key: string, point: Point | null): void;
    seriesKeys(entity: Uuid): string[];
    /** Newest first. */
    series(entity: Uuid, key: string): readonly Point[];
    addPoint(entity: Uuid, key: string, point: Point): void;
    replaceSeries(entity: Uuid, key: string, points: readonly Point[]): void;
    forget(entity: Uuid): void;
    /** Everything, as changes that would bring it about. */
    all(): Iterable<KeyValueChange>;
}

interface Entity {
    attributes: Map<Scope, Map<string, Point>>;
    series: Map<string, readonly Point[]>;
}
const NONE: ReadonlyMap<string, Point> = new Map();

export function createKeyValues(changed: (change: KeyValueChange) => void): KeyValues {
    const entities = new Map<Uuid, Entity>();
    const of = (id: Uuid): Entity => {
        let entity = entities.get(id);
        if (!entity) entities.set(id, (entity = { attributes: new Map(), series: new Map() }));
        return entity;
    };
    const keyValues: KeyValues = {
        attributes: (id, scope) => entities.get(id)?.attributes.get(scope) ?? NONE,
        setAttribute: (id, scope, key, point) => {
            const scopes = of(id).attributes;
            let values = scopes.get(scope);
            if (!values) scopes.set(scope, (values = new Map<string, Point>()));
            if (point) values.set(key, point);
            else values.delete(key);
            changed({ attribute: [id, scope, key, point] });
        },
        seriesKeys: (id) => [...(entities.get(id)?.series.keys() ?? [])],
        series: (id, key) => entities.get(id)?.series.get(key) ?? [],
        addPoint: (id, key, point) => {
            const others = keyValues.series(id, key).filter((other) => other.ts !== point.ts);
            const at = others.findIndex((other) => other.ts < point.ts);
            const points = at < 0 ? [...others, point] : [...others.slice(0, at), point, ...others.slice(at)];
            keyValues.replaceSeries(id, key, points.slice(0, HISTORY));
        },
        replaceSeries: (id, key, points) => {
            if (points.length > 0) of(id).series.set(key, points);
            else entities.get(id)?.series.delete(key);
            changed({ series: [id, key, points] });
        },
        forget: (id) => {
            if (entities.delete(id)) changed({ forget: id });
        },
        *all() {
            for (const [id, { attributes, series }] of entities) {
                for (const [scope, values] of attributes) for (const [key, point] of values) yield { attribute: [id, scope, key, point] };
                for (const [key, points] of series) yield { series: [id, key, points] };
            }
        },
    };
    return keyValues;
}
