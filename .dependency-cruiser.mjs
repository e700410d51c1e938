// Which room of the house may know which (the table in CONTRIBUTING.md). Types may be shared more freely than code: they
// are gone when the program runs.

/** Below all rooms: sentences for users, text fit for a terminal, files for their owner alone, the hosts of ThingsBoard Cloud. */
const base = "^sdk/(userError|printable|privateFile|cloud)\\.ts$";
const code = { dependencyTypesNot: ["type-only"] };

/** @param {string} name @param {string} comment @param {object} from @param {object} to */
const rule = (name, comment, from, to) => ({ name, comment, severity: "error", from, to });

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
    forbidden: [
        rule(
            "resources-declare",
            "A resource knows its reconciler by name: what the engine runs is found in the installed package, and no program loads a REST client.",
            { path: "^sdk/(resources/|provider\\.ts|index\\.ts)" },
            { path: "^sdk/(reconcilers|thingsboard|mqtt|emulator|cli|report)/|^sdk/plugin\\.ts", ...code },
        ),
        rule(
            "reconcilers-are-engine-neutral",
            "What the engine runs knows nothing of what the program declares, nor of the command or the emulator.",
            { path: "^sdk/reconcilers/" },
            { path: "^sdk/", pathNot: `^sdk/(reconcilers|thingsboard|mqtt|x509)/|^sdk/clock\\.ts$|${base}` },
        ),
        rule("thingsboard-stands-alone", "The REST client knows nothing of Pulumi, MQTT or certificates.", { path: "^sdk/thingsboard/" }, { path: "^sdk/", pathNot: `^sdk/thingsboard/|${base}` }),
        rule("mqtt-stands-alone", "The publish check knows nothing of Pulumi or the REST client.", { path: "^sdk/mqtt/" }, { path: "^sdk/", pathNot: `^sdk/(mqtt|x509)/|${base}` }),
        rule("x509-stands-alone", "Anyone may use it, so it uses nobody.", { path: "^sdk/x509/" }, { path: "^sdk/", pathNot: `^sdk/x509/|${base}` }),
        rule("no-pulumi-below", "Only resources, reconcilers, the provider and the plugin know Pulumi.", { path: "^sdk/(thingsboard|mqtt|x509|emulator)/|^sdk/(clock|cloud|settings|userError|printable|privateFile)\\.ts$" }, { path: "node_modules/@pulumi/" }),
        rule("emulator-shares-nothing", "It can find faults in the client because it has no line in common with it.", { path: "^sdk/emulator/" }, { path: "^sdk/", pathNot: `^sdk/emulator/|${base}` }),
        rule("client-shares-nothing", "And the other way round.", { path: "^sdk/(thingsboard|mqtt|x509|reconcilers|resources)/" }, { path: "^sdk/emulator/" }),
        rule("libraries-of-the-emulator", "They are loaded where the emulator or the command is asked for, and nowhere else.", { path: "^sdk/", pathNot: "^sdk/(emulator|cli)/" }, { path: "node_modules/(hono|@hono|commander)/" }),
        rule(
            "program-and-plugin-stay-light",
            "What only the emulator, the command or its report needs is not even reachable from what a program or the engine loads.",
            { path: "^sdk/(index|plugin)\\.ts$" },
            { path: "^sdk/(emulator|cli|report|testing)/", reachable: true },
        ),
        rule("no-circle", "Of two files that need each other none can be read alone. Types may.", { path: "^sdk/" }, { circular: true, viaOnly: code }),
        rule("found", "An import that leads nowhere fails when the user's program runs.", {}, { couldNotResolve: true }),
        rule("shipped", "What the package imports is among its dependencies; the report's page is built into one file.", { path: "^sdk/", pathNot: "^sdk/report/page/" }, { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"], ...code }),
    ],
    options: {
        doNotFollow: { path: "node_modules" },
        tsPreCompilationDeps: true,
        tsConfig: { fileName: "tsconfig.json" },
        enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "require", "node", "default", "types"] },
    },
};
