// What to do when an answer got lost and the question must not simply be asked again.

import { ApiError, isApiError } from "./errors";
import type { Calls } from "./calls";

const tries = 4;

/**
 * Creates something that has a name. After a lost answer it looks whether it is there by now, and asks again if not.
 * A first try may also get through late: then the second one hears that the name is taken.
 */
export async function createOnce<Entity>(
    create: () => Promise<Entity>,
    findByName: () => Promise<Entity | undefined>,
    isOurs: (found: Entity) => boolean,
    { pause }: Pick<Calls, "pause">,
): Promise<Entity> {
    let lost: ApiError | undefined;
    for (let tried = 1; ; tried++) {
        try {
            return await create();
        } catch (error) {
            if (!isApiError(error) || !(error.mayHaveHappened || (lost && error.kind === "nameTaken"))) throw error;
            lost ??= error;
            await pause(tried);
            const found = await findByName();
            if (found && isOurs(found)) return found;
            if (found) throw error.kind === "nameTaken" ? error : takenMeanwhile(error);
            if (tried >= tries || !isPassing(error)) throw error;
        }
    }
}

/**
 * Saves something that has a version. After a lost answer it reads again: what holds the new content is done, what
 * still has the old version is saved again, anything else was changed by somebody else.
 */
export async function saveOnce<Entity extends { readonly version?: number }>(
    sent: Entity,
    save: () => Promise<Entity>,
    readAgain: () => Promise<Entity | undefined>,
    holds: (found: Entity) => boolean,
    { pause }: Pick<Calls, "pause">,
): Promise<Entity> {
    let lost = false;
    for (let tried = 1; ; tried++) {
        try {
            return await save();
        } catch (error) {
            if (!isApiError(error) || !(error.mayHaveHappened || (lost && error.kind === "versionConflict"))) throw error;
            lost = true;
            await pause(tried);
            const found = await readAgain();
            // Before 3.8 there is no version to tell a save that changed nothing from one that was never made.
            const saved = found && (found.version === undefined || found.version !== sent.version) && holds(found);
            if (saved) return found;
            if (found && sent.version !== undefined && found.version !== sent.version) throw changedMeanwhile(error);
            if (!found || tried >= tries || !isPassing(error)) throw error;
        }
    }
}

function isPassing({ kind, status }: ApiError): boolean {
    return kind === "unreachable" || kind === "timeout" || status === 502 || status === 503 || status === 504;
}

function takenMeanwhile(error: ApiError): ApiError {
    const message = `${error.message}; by now something else has this name`;
    return new ApiError(message, { ...error, kind: "nameTaken", mayHaveHappened: false });
}

function changedMeanwhile(error: ApiError): ApiError {
    if (error.kind === "versionConflict") return error;
    const message = `${error.message}; by now somebody else has changed it`;
    return new ApiError(message, { ...error, kind: "versionConflict", mayHaveHappened: false });
}
