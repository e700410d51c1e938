// What somebody else changed: how `read` tells, and what follows.

import type { dynamic } from "@pulumi/pulumi";
import { excerpt, shown } from "../printable";
import { isUnknown } from "./reconciler";

/**
 * `read` returns what it found as inputs, so the engine shows the difference and `up` puts it right. It adds what changed
 * in words, by property, in an input that no program declares: so the difference can be read without comparing PEM
 * blocks, and `check`, which gets the inputs of before, can tell drift from a change of the program.
 */
export type ChangedElsewhere = Readonly<Record<string, string>>;

export type OnDrift = "repair" | "fail";

export interface DriftInputs {
    readonly onDrift?: OnDrift;
    readonly changedElsewhere?: ChangedElsewhere;
}

/** Values that somebody else wrote, in state and on the terminal. */
const longest = 1000;

export const changedElsewhere = (found: Readonly<Record<string, string | undefined>>): { changedElsewhere?: ChangedElsewhere } => {
    const changes = Object.entries(found).flatMap(([property, change]) => (change === undefined ? [] : [[property, excerpt(change, longest)] as const]));
    return changes.length === 0 ? {} : { changedElsewhere: Object.fromEntries(changes) };
};

/** @param device how the sentence begins, such as `device "pump-1"` */
export function driftFailures(device: string, olds: DriftInputs, news: DriftInputs): dynamic.CheckFailure[] {
    if (news.onDrift === undefined || isUnknown(news.onDrift)) return [];
    if (news.onDrift !== "repair" && news.onDrift !== "fail") {
        return [{ property: "onDrift", reason: `${device}: onDrift is ${shown(news.onDrift)}: expected "repair" or "fail"` }];
    }
    if (news.onDrift === "repair" || olds.changedElsewhere === undefined) return [];
    const changes = Object.entries(olds.changedElsewhere).map(([property, found]) => `${property} is now ${found}`);
    return [
        {
            property: "onDrift",
            reason: `${device} was changed on ThingsBoard, and onDrift is "fail": ${changes.join("; ")}. Put it right there and run "pulumi refresh", or set onDrift: "repair" to overwrite it`,
        },
    ];
}
