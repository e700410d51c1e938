// What may befall a deployment: one thing at a time, or several at random.

import fc from "fast-check";
import type { MqttFault, RestFault } from "../../sdk/emulator/index";

const html = { body: "<!doctype html><html><head><title>Sign in</title></head><body>Sign in</body></html>", headers: { "content-type": "text/html" } };
const expired = { status: 401, body: JSON.stringify({ status: 401, message: "Token has expired", errorCode: 11, timestamp: 0 }), headers: { "content-type": "application/json" } };

/** Milliseconds: longer than the clients of these tests wait for an answer. */
export const tooLong = 1_500;

/** The ways in which one REST call can go wrong. */
export const restFaults = {
    "a slow answer": { latency: 60 },
    "no answer in time": { latency: tooLong },
    "429": { status: 429 },
    "429 with Retry-After": { status: 429, headers: { "retry-after": "2" } },
    "500": { status: 500 },
    "500 though it was done": { status: 500, when: "after" },
    "502 of a proxy": { status: 502, body: "<html>Bad Gateway</html>", headers: { "content-type": "text/html" } },
    "503": { status: 503 },
    "503 with Retry-After": { status: 503, headers: { "retry-after": "1" } },
    "503 though it was done": { status: 503, when: "after" },
    "504 though it was done": { status: 504, when: "after", ...html },
    "a reset before the write": { drop: "before" },
    "a reset after the write": { drop: "after" },
    "half of the answer": { truncate: true },
    "an answer in small pieces": { drip: 80 },
    "an answer in pieces that take too long": { drip: tooLong },
    "a page in the place of JSON": { status: 200, ...html },
    "a page though it was done": { status: 200, when: "after", ...html },
    // Of a read: where nothing is the right answer, nobody can tell it from the truth.
    "nothing in the place of JSON": { status: 200, body: "", method: "GET" },
    "half of the JSON, and all of it announced so": { status: 200, body: '{"id":{"entityType":"DEVICE","id":"784f39', headers: { "content-type": "application/json" }, when: "after" },
    "an expired token": expired,
    "credentials that are refused": { status: 401 },
    "a right that is missing": { status: 403 },
} as const satisfies Readonly<Record<string, RestFault>>;

/** The steps at which an MQTT connection can stop, and what else it can meet. */
export const mqttFaults = {
    "no TLS handshake": { tls: "withhold" },
    "hung up before TLS": { tls: "close" },
    "a certificate that gets lost": { tls: "dropCertificate" },
    "no CONNACK": { connack: "withhold" },
    "half a CONNACK": { connack: "half" },
    "hung up on CONNECT": { connack: "close" },
    "a server that is too busy": { connack: 3 },
    "a certificate that is refused": { connack: 5 },
    "hung up after CONNACK": { closeAfterConnect: true },
    "no PUBACK": { puback: "withhold" },
    "half a PUBACK": { puback: "half" },
    "hung up on PUBLISH": { puback: "close" },
    "a publication that is refused": { puback: 0x97 },
    "nobody that ends the connection": { disconnect: "withhold" },
    "every step late": { delay: 120 },
    "a value that is stored late": { storeDelay: 200 },
} as const satisfies Readonly<Record<string, MqttFault>>;

/** What is done to the server in the middle of a deployment. */
export type Blow = "nothing" | "the server restarts" | "all tokens expire" | "the log-in is revoked for a while";

export interface Trouble {
    readonly rest: readonly RestFault[];
    readonly mqtt?: MqttFault;
    readonly blow: Blow;
    /** Milliseconds after the deployment began. */
    readonly blowAfter: number;
}

/** Not the log-in itself: refused, it is not tried again by the same process, and the engine would have a new one. */
const paths = ["/api/*evice*", "/api/device", "/api/device/*", "/api/device/credentials", "/api/device-with-credentials", "/api/tenant/*", "/api/plugins/*", "/api/devices*"] as const;

const restFault: fc.Arbitrary<RestFault> = fc
    .tuple(fc.constantFrom(...Object.keys(restFaults)), fc.constantFrom(...paths), fc.option(fc.constantFrom("GET", "POST", "DELETE"), { nil: undefined }), fc.nat({ max: 12 }), fc.integer({ min: 1, max: 4 }))
    .map(([name, path, method, skip, times]) => ({ path, skip, times, ...(method === undefined ? {} : { method }), ...restFaults[name as keyof typeof restFaults] }));

const mqttFault: fc.Arbitrary<MqttFault> = fc
    .tuple(fc.constantFrom(...Object.keys(mqttFaults)), fc.integer({ min: 1, max: 2 }))
    .map(([name, times]) => ({ ...mqttFaults[name as keyof typeof mqttFaults], times }));

export const trouble: fc.Arbitrary<Trouble> = fc
    .record({
        rest: fc.array(restFault, { minLength: 1, maxLength: 6 }),
        mqtt: fc.option(mqttFault, { nil: undefined }),
        blow: fc.constantFrom<Blow>("nothing", "nothing", "the server restarts", "all tokens expire", "the log-in is revoked for a while"),
        blowAfter: fc.nat({ max: 150 }),
    })
    .map(({ mqtt, ...rest }) => ({ ...rest, ...(mqtt === undefined ? {} : { mqtt }) }));
