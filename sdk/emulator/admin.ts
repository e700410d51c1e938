// The admin port: what the methods of an `Emulator` do, for whoever runs it in another process.
import { timingSafeEqual } from "node:crypto";
import { Hono } from "hono";
import type { Emulator } from "./index";
import type { Faults } from "./faults/faults";
import type { Pace } from "./faults/pace";
import type { Rotation } from "./pki";
import type { TenantLimits } from "./platform/entities";

const FAULTS = ["rest", "mqtt", "clockOffset", "registrationDelay", "keepSessions"];
const PACE = ["create", "read", "write", "delete", "connect", "deleteStall"];
const LIMITS = ["maxDevices", "tenantServerRestLimitsConfiguration", "customerServerRestLimitsConfiguration", "transportDeviceMsgRateLimit", "transportDeviceTelemetryMsgRateLimit"];
const ROTATION = ["authority", "hosts", "validity"];

class BadAdminCall extends Error {}

export function createAdminApp(emulator: Emulator): Hono {
    const app = new Hono();
    const wanted = Buffer.from(`Bearer ${emulator.adminToken}`);
    app.use("*", async (c, next) => {
        if (!isLoopback(c.req.header("host"))) return c.json({ error: "the admin port answers to localhost, 127.0.0.1 and [::1] only" }, 421);
        const given = Buffer.from(c.req.header("authorization") ?? "");
        if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) return c.json({ error: "the admin token is missing or wrong" }, 401);
        await next();
        return undefined;
    });
    app.onError((error, c) => c.json({ error: error.message }, error instanceof BadAdminCall ? 400 : 500));

    app.get("/", (c) => c.json(emulator.status()));
    app.get("/faults", (c) => c.json(emulator.faults.current));
    app.put("/faults", async (c) => {
        emulator.faults.set(fields<Faults>(await read(c.req), FAULTS));
        return c.json(emulator.faults.current);
    });
    app.delete("/faults", (c) => {
        emulator.faults.clear();
        return c.json(emulator.faults.current);
    });
    app.get("/pace", (c) => c.json(emulator.pace.current));
    app.put("/pace", async (c) => {
        const body = await read(c.req);
        emulator.pace.set(body === "real" || body === "unlimited" ? body : fields<Pace>(body, PACE));
        return c.json(emulator.pace.current);
    });
    app.put("/limits", async (c) => {
        emulator.setLimits(fields<TenantLimits>(await read(c.req), LIMITS));
        return c.json({});
    });
    app.post("/expire-tokens", (c) => {
        emulator.expireTokens();
        return c.json({});
    });
    app.post("/rotate-server-certificate", async (c) => {
        const text = await c.req.text();
        await emulator.rotateServerCertificate(fields<Rotation>(text === "" ? {} : parse(text), ROTATION));
        return c.json({ caPem: emulator.caPem });
    });
    return app;
}

/** A web page can have its own name point to this machine; what the browser then calls the host is that name. */
const isLoopback = (host: string | undefined): boolean => /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i.test(host ?? "");

const read = async (request: { text(): Promise<string> }): Promise<unknown> => parse(await request.text());

function parse(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        throw new BadAdminCall("the body is not JSON");
    }
}

function fields<T extends object>(body: unknown, known: readonly string[]): T {
    if (typeof body !== "object" || body === null || Array.isArray(body)) throw new BadAdminCall("the body is not a JSON object");
    const unknown = Object.keys(body).filter((key) => !known.includes(key));
    if (unknown.length > 0) throw new BadAdminCall(`unknown field ${unknown.join(", ")}; known are ${known.join(", ")}`);
    return body as T;
}
