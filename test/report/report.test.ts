import fc from "fast-check";
import { expect, test } from "vitest";
import { toText, sparkline } from "../../sdk/report/terminal";
import { withServer } from "../../sdk/report/live";
import { summarize } from "../../sdk/report/summary";
import type { ThingsBoard } from "../../sdk/thingsboard";
import { at, certificate, credential, endOf, reportOf, rows } from "./support";

test("a certificate is expired, due or valid by its own dates", async () => {
    const [gone, soon, good, week] = [await certificate("gone", { validityDays: 90, daysAgo: 91 }), await certificate("soon", { validityDays: 90, daysAgo: 70 }), await certificate("good"), await certificate("week", { validityDays: 7 })];
    const found = rows([credential("gone", gone), credential("soon", soon), credential("good", good), credential("week", week)]);
    expect(found.map(({ device, standing }) => [device, standing])).toEqual([["gone", "expired"], ["soon", "due"], ["good", "valid"], ["week", "valid"]]);
    const summary = summarize(found, false);
    expect(summary).toMatchObject({ devices: 4, standing: { expired: 1, due: 1, valid: 2, unknown: 0 }, nextExpiry: endOf(week), byAlgorithm: { "EC P-256": 4 }, byIssuer: { "(self-signed)": 4 } });
    expect(summary).not.toHaveProperty("neverSeen");
});

test("days before the end count, and a fleet's own go before them", async () => {
    const pem = await certificate("pump", { validityDays: 365, daysAgo: 365 - 50 });
    expect(rows([credential("pump", pem)], 60)[0]).toMatchObject({ standing: "due" });
    expect(rows([credential("pump", pem)], 40)[0]).toMatchObject({ standing: "valid" });
    const batch = (renewBeforeDays: number) => ({
        type: "pulumi-nodejs:dynamic/thingsboard:FleetBatch",
        outputs: { fleet: "project/prod/meters", settings: { renewBeforeDays }, devices: { pump: { id: "x", certificate: pem.split("\n").slice(1, -2).join("") } }, failed: { pump: "was refused" } },
    });
    expect(rows([batch(60)], 40)[0]).toMatchObject({ fleet: "meters", standing: "due", failed: "was refused" });
    expect(rows([batch(40)], 60)[0]).toMatchObject({ standing: "valid" });
    // As it was given to the program, slashes and all.
    const { outputs } = batch(60);
    expect(rows([{ ...batch(60), outputs: { ...outputs, fleet: "project/prod/hall 3/meters" } }])[0]).toMatchObject({ fleet: "hall 3/meters" });
});

test("a device of a fleet that could not even be made is unfinished, and the server is not asked for it", async () => {
    const batch = { type: "pulumi-nodejs:dynamic/thingsboard:FleetBatch", outputs: { fleet: "project/prod/meters", settings: { renewBeforeDays: 30 }, devices: {}, failed: { "meter-1": 'device "meter-1": the tenant may have no more devices' } } };
    const found = rows([batch]);
    expect(found).toEqual([expect.objectContaining({ device: "meter-1", deviceId: "", fleet: "meters", standing: "unknown", failed: 'device "meter-1": the tenant may have no more devices' })]);
    expect(toText(reportOf(found), { list: 10 })).toMatch(/unfinished +1\n(.|\n)*unfinished:\n {2}meter-1 {2}the tenant may have no more devices/);
    const nobody = {} as ThingsBoard;
    expect(await withServer(found, { thingsboard: nobody, done: () => undefined })).toEqual(found);
});

test("drift is that of device and credential, the check is the device's, and what waits to be deleted is no device", async () => {
    const pem = await certificate("pump-1");
    const found = rows([
        { type: "pulumi-nodejs:dynamic/thingsboard:Device", inputs: { changedElsewhere: { label: '"theirs"' } }, outputs: { deviceId: "id of pump-1" } },
        { type: "pulumi-nodejs:dynamic/thingsboard:PublishCheck", outputs: { deviceId: "id of pump-1", outcome: "refused", message: "it is unknown", checkedAt: at.toISOString() } },
        credential("pump-1", pem, { inputs: { changedElsewhere: { certificatePem: "an access token" } } }),
        credential("pump-1", pem, { delete: true }),
    ]);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ drift: 'label is now "theirs"; certificatePem is now an access token', check: { outcome: "refused", message: "it is unknown" } });
});

test("after a refresh that found something else, the certificate is still known by the resource that made it", async () => {
    const [ours, theirs] = [await certificate("pump-1", { validityDays: 90, daysAgo: 70 }), await certificate("somebody")];
    const { credentialsId } = rows([credential("pump-1", ours)])[0]!;
    const refreshed = (found: string) => ({ ...credential("pump-1", ours), outputs: { deviceId: "x", deviceName: "pump-1", certificatePem: found, credentialsId } });
    const maker = { type: "tls:index/selfSignedCert:SelfSignedCert", outputs: { certPem: ours } };
    for (const found of [theirs, "an access token"]) expect(rows([maker, refreshed(found)])[0]).toMatchObject({ credentialsId, standing: "due" });
    const [lost] = rows([refreshed(theirs)]);
    expect(lost).toMatchObject({ credentialsId, standing: "unknown", notAfter: "" });
    expect(summarize([lost!], false)).toMatchObject({ standing: { unknown: 1 }, byMonth: [], byIssuer: { "(unknown)": 1 } });
});

test.each([undefined, 80])("the terminal's report counts, lists up to a limit, and prints nothing that moves the cursor (%s columns)", async columns => {
    const pem = await certificate("gone", { validityDays: 90, daysAgo: 91 });
    const hostile = "pump\u001b[2J\nforged: line\u202e";
    const text = toText(reportOf(rows([credential(hostile, pem), ...Array.from({ length: 12 }, (_none, index) => credential(`pump-${index}`, pem))])), { list: 10, ...(columns === undefined ? {} : { columns }) });
    expect(text).toContain("0 valid, 0 due, 13 expired");
    expect(text).toContain("and 3 more");
    expect(text).not.toMatch(/\u001b|\u202e/);
    expect(text.split("\n").filter(line => line.startsWith("forged"))).toEqual([]);
});

test("in a terminal no line is wider than it, whatever the months and reasons; in a log each thing has one line", async () => {
    const far = await certificate("far", { validityDays: 3_000 });
    const due = await certificate("due", { validityDays: 90, daysAgo: 70 });
    const found = rows([credential("far", far), credential("due", due)]).map(row => ({ ...row, issuer: "CN=An authority, O=Acme Industrial Pumps and Compressors, C=DE", failed: `device "${row.device}": ${"cannot be bound, for a reason that is long; ".repeat(4)}` }));
    const terminal = toText(reportOf(found, "thingsboard.example.com"), { list: 10, columns: 80 }).split("\n");
    expect(Math.max(...terminal.map(line => line.length))).toBeLessThanOrEqual(80);
    const log = toText(reportOf(found, "thingsboard.example.com"), { list: 10 }).split("\n");
    expect(log.filter(line => line.includes("cannot be bound"))).toHaveLength(2);
    expect(log.filter(line => line.includes('device "'))).toEqual([]);
    expect(toText(reportOf([]), { list: 10 })).toContain("the state holds none");
});

test("a sparkline is as long as its values, and highest at the largest", () => {
    fc.assert(
        fc.property(fc.array(fc.nat({ max: 1_000_000 }), { minLength: 1, maxLength: 60 }), values => {
            const line = [...sparkline(values)];
            expect(line).toHaveLength(values.length);
            const largest = Math.max(...values);
            values.forEach((value, index) => {
                if (value === 0) expect(line[index]).toBe(" ");
                else if (value === largest) expect(line[index]).toBe("█");
                else expect("▁▂▃▄▅▆▇█").toContain(line[index]);
            });
        }),
    );
});

test("months without an end are there too, and a far end makes no endless row", () => {
    const row = (notAfter: string) => ({ ...({} as ReturnType<typeof rows>[number]), notAfter, standing: "valid" as const, algorithm: "", issuer: "a", subject: "b" });
    expect(summarize([row("2026-11-30T00:00:00Z"), row("2027-02-01T00:00:00Z")], false).byMonth).toEqual([{ month: "2026-11", count: 1 }, { month: "2026-12", count: 0 }, { month: "2027-01", count: 0 }, { month: "2027-02", count: 1 }]);
    expect(summarize([row("2026-11-30T00:00:00Z"), row("9999-12-31T23:59:59Z")], false).byMonth).toHaveLength(2);
});
