// The ThingsBoard that a reconciler works on, handed to it and never reached for.

import type { ThingsBoard } from "../thingsboard";

export interface Server {
    readonly thingsboard: ThingsBoard;
    /** Where devices connect. */
    readonly mqtt: { readonly host: string; readonly port: number; readonly caPem?: string };
    readonly restHost: string;
    /** REST goes over verified HTTPS, or does not leave this machine: what it says of the server may be trusted. */
    readonly restVerified: boolean;
}

/** Configured when the first call needs it: a mistake in the settings becomes that call's error. */
export type ServerOf = () => Server;
