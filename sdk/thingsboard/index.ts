// The REST client: `connect` to a ThingsBoard, and the types of what it takes and answers.

import { type CallDependencies, calls } from "./calls";
import { type Clock, systemClock } from "./clock";
import { devices } from "./devices";
import { http } from "./http";
import { type Places, places } from "./limits";
import { checkOptions, type ConnectionOptions } from "./options";
import { owners } from "./owners";
import { pace } from "./pace";
import { profiles } from "./profiles";
import type { Environment } from "./proxy";
import { server, versionForEverybody } from "./server";
import { session } from "./session";
import { surroundings } from "./surroundings";
import type { ThingsBoard } from "./thingsboard";
import { values } from "./values";

export type { Clock } from "./clock";
export { ApiError, type ApiErrorKind, isApiError } from "./errors";
export type * from "./model";
export { nobody } from "./model";
export { type ConnectionOptions, isLoopback } from "./options";
export type { ThingsBoard } from "./thingsboard";

export interface Dependencies {
    readonly clock: Clock;
    /** At least 0 and below 1. */
    readonly random: () => number;
    /** Hears of each repetition, and of a proxy that can't be used. */
    readonly log: (line: string) => void;
    /** Where `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are looked up. */
    readonly environment: Environment;
}

/** What a server can bear doesn't depend on how many clients of it one process holds. */
const placesOfServers = new Map<string, Places>();

/**
 * Checks the options and sends nothing: the first call logs in.
 * @throws UserError that names the option
 */
export function connect(options: ConnectionOptions, dependencies: Partial<Dependencies> = {}): ThingsBoard {
    const { clock = systemClock, random = Math.random, log = () => {}, environment = process.env } = dependencies;
    const connection = checkOptions(options);
    const transport = http(connection, clock, environment);
    if (transport.unusedProxy !== undefined) log(`warning: ${transport.unusedProxy}`);
    const shared: CallDependencies = {
        connection,
        http: transport,
        session: session(connection, transport, clock),
        places: placesOf(connection.url.origin),
        pace: pace(connection.rates, clock),
        clock,
        random,
        log,
        version: versionForEverybody(transport),
    };
    return thingsBoard(shared);
}

function thingsBoard(shared: CallDependencies, subject?: string, sharer?: string): ThingsBoard {
    const made = calls(shared, subject, sharer);
    return {
        about: (other, whole) => thingsBoard(shared, other, whole),
        ...devices(made),
        ...values(made),
        ...profiles(made),
        ...owners(made),
        ...surroundings(made),
        ...server(made, shared.http, shared.version),
    };
}

function placesOf(origin: string): Places {
    const known = placesOfServers.get(origin) ?? places();
    placesOfServers.set(origin, known);
    return known;
}
