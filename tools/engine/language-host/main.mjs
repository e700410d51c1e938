// pulumi-language-nodejs: runs Node.js programs for an engine that was built here, where the official language host
// can't be had. It speaks `pulumirpc.LanguageRuntime` of engine 3.259 with the gRPC classes that @pulumi/pulumi ships.
//
// The engine starts it as `pulumi-language-nodejs [flags] <engine address>` in the project's folder, reads the port
// from the first line of its output, and treats all further output as the program's.

import { createRequire } from "node:module";
import { about, installDependencies } from "./environment.mjs";
import { installedPackages, programDependencies, requiredPlugins } from "./packages.mjs";
import { runPolicyPack } from "./policyPack.mjs";
import { runProgram, stopPrograms } from "./program.mjs";
import { loadProtocol } from "./protocol.mjs";

const require = createRequire(import.meta.url);
const { grpc, language, plugin, empty, service, sdkVersion } = loadProtocol();
const { engineAddress, tracing } = readArguments(process.argv.slice(2));

const server = new grpc.Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });

// Methods that are left out (code generation) are answered with UNIMPLEMENTED by gRPC.
server.addService(service, {
    handshake: unary(() => new language.LanguageHandshakeResponse()),
    getPluginInfo: unary(() => new plugin.PluginInfo().setVersion(sdkVersion)),
    runtimeOptionsPrompts: unary(() => new language.RuntimeOptionsResponse()),
    template: unary(() => new empty.Empty()),
    cancel: unary(() => new empty.Empty()),

    getRequiredPackages: unary((request) => {
        const packages = requiredPlugins(programDirectory(request)).map((found) => {
            const dependency = new plugin.PackageDependency()
                .setName(found.name).setKind("resource").setVersion(found.version).setServer(found.server);
            if (found.parameterization) {
                const { name, version, value } = found.parameterization;
                dependency.setParameterization(
                    new plugin.PackageParameterization().setName(name).setVersion(version).setValue(value));
            }
            return dependency;
        });
        return new language.GetRequiredPackagesResponse().setPackagesList(packages);
    }),

    getProgramDependencies: unary((request) => {
        const directory = programDirectory(request);
        const packages = request.getTransitivedependencies() ? installedPackages(directory) : programDependencies(directory);
        return new language.GetProgramDependenciesResponse().setDependenciesList(packages.map(({ name, version }) =>
            new language.DependencyInfo().setName(name).setVersion(version)));
    }),

    about: unary(() => {
        const { executable, version, metadata } = about(sdkVersion);
        const response = new language.AboutResponse().setExecutable(executable).setVersion(version);
        for (const [key, value] of Object.entries(metadata)) response.getMetadataMap().set(key, value);
        return response;
    }),

    run: unary(async (request) => {
        const outcome = await runProgram({
            engineAddress,
            tracing,
            monitorAddress: request.getMonitorAddress(),
            organization: request.getOrganization(),
            project: request.getProject(),
            stack: request.getStack(),
            workingDirectory: request.getPwd(),
            rootDirectory: request.getInfo().getRootDirectory(),
            programDirectory: programDirectory(request),
            entryPoint: request.getInfo().getEntryPoint() || ".",
            options: request.getInfo().getOptions()?.toJavaScript() ?? {},
            arguments: request.getArgsList(),
            dryRun: request.getDryrun(),
            parallel: request.getParallel(),
            config: Object.fromEntries(request.getConfigMap().toArray()),
            secretKeys: request.getConfigsecretkeysList(),
        });
        return new language.RunResponse().setError(outcome.error ?? "").setBail(outcome.alreadyReported ?? false);
    }),

    runPlugin: (call) => {
        const { request } = call;
        if (request.getKind() !== "analyzer") {
            call.emit("error", { code: grpc.status.UNIMPLEMENTED, message: "this language host runs policy packs, and no other plugins written in TypeScript" });
            return;
        }
        try {
            const pack = runPolicyPack({ directory: programDirectory(request), arguments: request.getArgsList(), environment: request.getEnvList() });
            pack.stdout.on("data", (chunk) => call.write(new language.RunPluginResponse().setStdout(chunk)));
            pack.stderr.on("data", (chunk) => call.write(new language.RunPluginResponse().setStderr(chunk)));
            pack.once("close", (code) => {
                call.write(new language.RunPluginResponse().setExitcode(code ?? 1));
                call.end();
            });
            call.once("cancelled", () => pack.kill());
        } catch (error) {
            call.emit("error", { code: grpc.status.UNKNOWN, message: error.message });
        }
    },

    installDependencies: async (call) => {
        const directory = call.request.getInfo()?.getProgramDirectory() || call.request.getDirectory();
        const send = (stream) => (chunk) => {
            const response = new language.InstallDependenciesResponse();
            call.write(stream === "stdout" ? response.setStdout(chunk) : response.setStderr(chunk));
        };
        try {
            const options = call.request.getInfo()?.getOptions()?.toJavaScript() ?? {};
            await installDependencies(directory, options, send("stdout"), send("stderr"));
            call.end();
        } catch (error) {
            call.emit("error", { code: grpc.status.UNKNOWN, message: error.message });
        }
    },
});

server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    process.stdout.write(`${port}\n`);
});

// Programs first: one that outlived its language host would go on talking to a server on behalf of nobody.
for (const event of ["SIGINT", "SIGTERM", "engine-gone"]) {
    process.once(event, () => void stopPrograms().finally(() => process.exit(event === "engine-gone" ? 1 : 0)));
}
require("./exit-with-engine.cjs");

/** Wraps `answer(request)`, which returns or promises the response, as a gRPC handler. */
function unary(answer) {
    return async (call, callback) => {
        try {
            callback(null, await answer(call.request));
        } catch (error) {
            callback({ code: grpc.status.UNKNOWN, message: error.message });
        }
    };
}

function programDirectory(request) {
    return request.getInfo().getProgramDirectory();
}

/** The engine's address is the last argument; of the flags only `--tracing <url>` concerns programs. */
function readArguments(argv) {
    const at = argv.indexOf("--tracing");
    return { engineAddress: argv.at(-1) ?? "", tracing: at >= 0 ? argv[at + 1] : "" };
}
