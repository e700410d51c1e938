// The ThingsBoard that a reconciler works on, handed to it and never reached for.

import { certificates } from "../mqtt/pem";
import type { Settings } from "../settings";
import { connect, isLoopback, type ThingsBoard } from "../thingsboard";

export interface Server {
    readonly thingsboard: ThingsBoard;
    /** Where devices connect. */
    readonly mqtt: { readonly host: string; readonly port: number; readonly caPem?: string };
    readonly restHost: string;
    /** REST goes over verified HTTPS, or does not leave this machine: what it says of the server may be trusted. */
    readonly restVerified: boolean;
}

/**
 * Sends nothing yet.
 * @param log hears of calls that are made again
 * @throws UserError naming the setting that can't be used
 */
export function serverFrom(settings: Settings, log: (text: string) => void): Server {
    const { mqttHost, mqttPort, mqttCaPem } = settings;
    if (mqttCaPem !== undefined) certificates(mqttCaPem, "mqttCaPem");
    const url = new URL(settings.url);
    return {
        thingsboard: connect(settings, { log }),
        mqtt: { host: mqttHost, port: mqttPort, ...(mqttCaPem === undefined ? {} : { caPem: mqttCaPem }) },
        restHost: url.hostname,
        restVerified: url.protocol === "https:" || isLoopback(url.hostname),
    };
}

/** Configured when the first call needs it: a mistake in the settings becomes that call's error. */
export type ServerOf = () => Server;
