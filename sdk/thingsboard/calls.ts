// A call as the endpoints make it: logged in, within the limits, repeated where that is safe, read as ThingsBoard's.

import type { Clock } from "./clock";
import { ApiError, isApiError } from "./errors";
import { explainAnswer } from "./explain";
import { explainFailure } from "./failure";
import type { Answer, Http, Request } from "./http";
import type { Places } from "./limits";
import type { Milliseconds } from "./model";
import type { Connection } from "./options";
import type { Pace } from "./pace";
import type { Purpose } from "./purpose";
import { pauseBefore, type Repeating, withRetries } from "./retry";
import type { Session } from "./session";
import { type AnswerShape, hasShape } from "./shape";
import { explainNonsense, isPage } from "./stranger";
import { clean, parseJson, secretsIn } from "./text";

export interface Call {
    readonly method: Request["method"];
    readonly path: string;
    readonly body?: unknown;
    /** `device "pump-1"`; what the caller gave to `about` goes before it. */
    readonly subject: string;
    /** `cannot read the device`. */
    readonly complaint: string;
    readonly repeating: Repeating;
    readonly answer: AnswerShape;
    /** Open to everybody: goes without credentials. */
    readonly open?: true;
}

export interface Calls {
    /** @throws ApiError, also for 404 */
    make<Result>(call: Call): Promise<Result>;
    /** `undefined` for 404. */
    find<Result>(call: Omit<Call, "method" | "repeating">): Promise<Result | undefined>;
    /** For what is done when there is nothing (404). */
    dispose(call: Call): Promise<void>;
    readonly pause: (retry: number) => Promise<void>;
}

export interface CallDependencies {
    readonly connection: Connection;
    readonly http: Http;
    readonly session: Session;
    readonly places: Places;
    readonly pace: Pace;
    readonly clock: Clock;
    readonly random: () => number;
    readonly log: (line: string) => void;
    readonly patience: Milliseconds;
    /** Tells the version of a server that refuses an API key, if it can. */
    readonly version: () => Promise<string | undefined>;
}

/** The answers with which a Retry-After tells when to come back. */
const asksToWait: ReadonlySet<number> = new Set([429, 503]);

/**
 * @param about what the errors begin with, instead of each call's own subject
 * @param sharer who waits in line with these calls, where others want to call too
 */
export function calls(dependencies: CallDependencies, about?: string, sharer = about ?? ""): Calls {
    const { connection, http, session, places, pace, clock, random, log, patience, version } = dependencies;
    const retrying = { clock, random, log, hasAnswered: http.hasAnswered, resting: pace.resting, patience };

    return {
        make,

        async find(call) {
            try {
                return await make({ ...call, method: "GET", repeating: "safe" });
            } catch (error) {
                if (isApiError(error, "notFound")) return undefined;
                throw error;
            }
        },

        async dispose(call) {
            try {
                await make(call);
            } catch (error) {
                if (!isApiError(error, "notFound")) throw error;
            }
        },

        pause: retry => clock.sleep(pauseBefore(retry, random)),
    };

    function make<Result>(call: Call): Promise<Result> {
        // The shape of the answer was checked as far as `call.answer` says.
        return withRetries(begin => attempt(call, begin) as Promise<Result>, call.method, call.repeating, retrying);
    }

    async function attempt(call: Call, begin: () => void): Promise<unknown> {
        const giveBack = await places.take(call.method === "DELETE" ? "delete" : "other", connection, sharer);
        try {
            begin();
            const authorization = await authorize(call);
            await pace.turn();
            begin();
            const answer = await send(call, authorization);
            if (authorization === undefined || !isExpired(answer) || !session.renew(authorization)) return await read(call, answer);
            const renewed = await authorize(call);
            await pace.turn();
            return await read(call, await send(call, renewed));
        } finally {
            giveBack();
        }
    }

    async function authorize(call: Call): Promise<string | undefined> {
        if (call.open) return undefined;
        try {
            return await session.authorization();
        } catch (error) {
            if (!isApiError(error)) throw error;
            const { subject, complaint } = purpose(call);
            throw new ApiError(`${subject}: ${complaint}: ${error.message}`, { ...error });
        }
    }

    async function send(call: Call, authorization: string | undefined): Promise<Answer> {
        const { method, path, body } = call;
        const began = clock.now();
        const outcome = await http.send({ method, path, body, authorization });
        if (outcome.type === "failure") throw explainFailure(purpose(call), outcome);
        if (outcome.status === 429) pace.tooFast(began);
        else pace.fine(began);
        // Whoever has little patience rather hears soon that the server asks for more of it.
        if (outcome.retryAfter !== undefined && asksToWait.has(outcome.status)) pace.rest(Math.min(outcome.retryAfter, patience));
        return outcome;
    }

    async function read(call: Call, answer: Answer): Promise<unknown> {
        const { status, text, contentType } = answer;
        if (status < 200 || status > 299) {
            const refusedKey = status === 401 && "apiKey" in connection.credentials && !call.open;
            throw explainAnswer({ ...purpose(call), version: refusedKey ? await version() : undefined }, answer);
        }
        const page = isPage(contentType, text);
        const found = call.answer === "text" || call.answer === "nothing" ? text : parseJson(text);
        if (!page && hasShape(found, call.answer)) return call.answer === "nothing" ? undefined : found;
        throw explainNonsense(purpose(call), status, `${connection.url.host} answers with ${page ? "a web page" : "something that isn't ThingsBoard's"}`);
    }

    function purpose({ subject, complaint, body, open }: Call): Purpose {
        const credentials = open ? "none" : "apiKey" in connection.credentials ? "apiKey" : "password";
        return { subject: clean(about ?? subject, []), complaint, base: connection.base, credentials, secrets: [...session.secrets(), ...secretsIn(body)] };
    }
}

/** Also what a tampered token gets, and one whose session was ended by a log-out. */
function isExpired({ status, text }: Answer): boolean {
    const body = status === 401 ? parseJson(text) : undefined;
    return typeof body === "object" && body !== null && "errorCode" in body && body.errorCode === 11;
}
