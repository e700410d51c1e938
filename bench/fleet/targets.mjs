// What the figures have to reach, one line each.

import { median } from "./measure.mjs";

/** @returns {{ name: string, value: string, target: string, ok: boolean }[]} */
export function targets(report) {
    const { checkedSmall, checkedLarge, life, growth, shards, single } = report;
    const lines = [];
    const add = (name, value, target, ok) => lines.push({ name, value, target, ok });
    const most = (name, value, limit, unit) => add(name, `${value.toFixed(unit === "" ? 2 : 1)}${unit}`, `at most ${limit}${unit}`, value <= limit);
    const least = (name, value, limit) => add(name, value.toFixed(2), `at least ${limit}`, value >= limit);
    const n = count => count.toLocaleString("en");

    if (checkedSmall) {
        least(`${n(checkedSmall.devices)} devices with check, to the bare loop`, checkedSmall.perSecond.fleet / checkedSmall.perSecond.bare, 0.8);
        if (checkedSmall.perSecond.guide) least(`${n(checkedSmall.devices)} devices with check, to the guide's loop on 8 processes`, checkedSmall.perSecond.fleet / checkedSmall.perSecond.guide, 4);
    }
    if (checkedLarge) least(`${n(checkedLarge.devices)} devices with check, to the bare loop`, checkedLarge.perSecond.fleet / checkedLarge.perSecond.bare, 0.95);
    if (life) {
        const of = step => median(life.seconds[step]);
        most(`${n(life.devices)} devices, first up`, of("first"), 45, " s");
        most(`${n(life.devices)} devices, nothing to do`, of("nothing"), 7, " s");
        most(`${n(life.devices)} devices, refresh to the bare loop of reads`, of("refresh") / of("bareReads"), 1.5, "");
        most(`one device added to ${n(life.devices)}`, of("one"), 8, " s");
        add("one device added touches", JSON.stringify(life.oneTouched), "1 updated, nothing else", life.oneTouched.updated === 1 && !life.oneTouched.created && !life.oneTouched.deleted);
        most("state per device, bytes", life.stateBytes.withKey, 1024, "");
        most("state per device without the key, bytes", life.stateBytes.withoutKey, 717, "");
        if (growth) most(`${n(growth.devices)} devices take, to ${n(life.devices)}`, median(growth.seconds) / of("first"), 2.2, "");
    }
    if (shards) most(`${n(shards.devices)} devices in ${shards.shards} shards, largest process`, Math.max(...Object.values(shards.megabytes)), 700, " MB");
    if (single) most(`${n(single.devices)} devices as single resources, to the same resources doing nothing`, median(single.seconds.single) / median(single.seconds.noop), 1.2, "");
    return lines;
}

/**
 * Where the time of a target that fell short goes.
 *
 * @returns {string[]}
 */
export function limits(report) {
    const { start, checkedSmall, life, single } = report;
    const lines = [];
    const s = seconds => `${seconds.toFixed(1)} s`;
    if (start && checkedSmall) {
        const [engine, plugin] = [median(start.seconds.program), median(start.seconds.plugin)];
        const [fleet, bare] = [median(checkedSmall.seconds.fleet), median(checkedSmall.seconds.bare)];
        lines.push(`limit ${checkedSmall.devices} devices: of ${s(fleet)} the start and end of engine and program take ${s(engine)}, with plugin and a single device ${s(plugin)}; the server's own pace holds the bare loop at ${s(bare)}, so the rest is ${(bare / (fleet - plugin)).toFixed(2)} of its rate`);
        if (checkedSmall.perSecond.guide) lines.push(`limit the guide's loop: at the server's pace the bare loop itself is ${(checkedSmall.perSecond.bare / checkedSmall.perSecond.guide).toFixed(1)} times as fast, and nothing can be faster`);
    }
    if (life) {
        const of = step => s(median(life.seconds[step]));
        lines.push(`limit refresh: ${of("refresh")}, of which engine, program and state alone take ${of("nothing")} (nothing to do); the bare reads take ${of("bareReads")}`);
    }
    if (single) lines.push(`limit single resources: ${Math.round(((median(single.seconds.single) - median(single.seconds.noop)) / single.devices) * 1000)} ms a device go into its calls and its check`);
    return lines;
}
