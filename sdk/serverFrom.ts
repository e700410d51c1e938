// From settings to the server that reconcilers work on.

import { certificates } from "./mqtt/pem";
import type { Server } from "./reconcilers/server";
import type { Settings } from "./settings";
import { connect, isLoopback } from "./thingsboard";

/**
 * Sends nothing yet.
 * @param log hears of calls that are made again
 * @param patience for how long a call is made again (ms); as a deployment does it, if left out
 * @throws UserError naming the setting that can't be used
 */
export function serverFrom(settings: Settings, log: (text: string) => void, patience?: number): Server {
    const { mqttHost, mqttPort, mqttCaPem } = settings;
    if (mqttCaPem !== undefined) certificates(mqttCaPem, "mqttCaPem");
    const url = new URL(settings.url);
    return {
        thingsboard: connect(settings, { log, ...(patience === undefined ? {} : { patience }) }),
        mqtt: { host: mqttHost, port: mqttPort, ...(mqttCaPem === undefined ? {} : { caPem: mqttCaPem }) },
        restHost: url.hostname,
        restVerified: url.protocol === "https:" || isLoopback(url.hostname),
    };
}
