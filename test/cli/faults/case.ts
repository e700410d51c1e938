// What a fault of the emulator is played by, and what each command says of it.

import type { Emulator, EmulatorOptions, MqttFault, RestFault } from "../../../sdk/emulator";
import type { Certificate, Rest } from "../../emulator/support";
import type { Environment } from "../support";

export interface Played {
    readonly emulator: Emulator;
    readonly rest: Rest;
    /** Of the device "pump-1". */
    readonly certificate: Certificate;
    /** Ends when the test does. */
    readonly later: (end: () => Promise<void> | void) => void;
}

/** What stands first, and all that stands beside it: nothing else may be said. */
export interface Expected {
    /** `doctor`: `check: status`; `explain`: the causes; `publish`: its cause. */
    readonly found: readonly string[];
    readonly says?: RegExp;
    readonly remedy?: RegExp;
    /** The command can say no more than one sentence, which is this. */
    readonly error?: RegExp;
}

export interface Case {
    /** Told in the same way as another one: `npm run test:soak -- commands` shows it. */
    readonly alike?: boolean;
    readonly play: (played: Played) => unknown;
    readonly options?: EmulatorOptions;
    /** Besides those of the emulator as they were before the fault was played. */
    readonly settings?: () => Environment;
    /** `explain` is given the device's own certificate. */
    readonly withCertificate?: true;
    readonly doctor: Expected;
    readonly explain: Expected;
    /** Where the device itself meets the fault. */
    readonly publish?: Expected;
}
export type Cases = Readonly<Record<string, Case>>;

export const nothing: Expected = { found: [] };

/** @param check of a failure; `clock: warning` of a warning */
export const found = (check: string, says: RegExp, remedy: RegExp): Expected => ({ found: [check.includes(": ") ? check : `${check}: failure`], says, remedy });
export const because = (cause: string, says: RegExp, remedy: RegExp): Expected => ({ found: [cause], says, remedy });
export const error = (error: RegExp): Expected => ({ found: [], error });
export const cause = (cause: string, says: RegExp): Expected => ({ found: [cause], says });
export const accepted = cause("accepted", /what it published is stored$/);

export const rest = (fault: RestFault): Case["play"] => ({ emulator }) => emulator.faults.set({ rest: [fault] });
export const mqtt = (fault: MqttFault): Case["play"] => ({ emulator }) => emulator.faults.set({ mqtt: fault });
export const byPassword = (user: string, password = user) => (): Environment => ({ THINGSBOARD_API_KEY: "", THINGSBOARD_USERNAME: `${user}@thingsboard.org`, THINGSBOARD_PASSWORD: password });

/** One that hurts nobody: every command says that all is well. */
export const harmless = (play: Case["play"], more: Partial<Case> = {}): Case => ({ play, doctor: nothing, explain: nothing, publish: accepted, ...more });
