// No answer at all: network, DNS, TLS, proxy.

import { ApiError, type ApiErrorKind } from "./errors";
import type { Failure } from "./http";
import { type Purpose, sentence } from "./purpose";

export function explainFailure(purpose: Purpose, failure: Failure): ApiError {
    const { host, hostname, protocol } = new URL(purpose.base);
    const [kind, what, remedy] = ((): readonly [ApiErrorKind, string, string] => {
        switch (failure.reason) {
            case "unknownHost":
                return ["unreachable", `the name ${hostname} can't be resolved (${failure.code})`, "correct the url, or the DNS of this machine"];
            case "refused":
                return ["unreachable", `${host} refuses the connection`, "is ThingsBoard running, and is the port right?"];
            case "noRoute":
                return ["unreachable", `there is no way to ${host} (${failure.code})`, "check network, VPN and firewall"];
            case "timeout":
                return ["timeout", `${host} didn't answer in time`, "check firewall and load, or raise timeout"];
            case "reset":
                return ["unreachable", `the connection to ${host} broke off (${failure.code})`, resetRemedy(protocol)];
            case "unknownCa":
                return ["untrusted", `the certificate of ${host} is of a CA that is not trusted here`, "give that CA's certificate as caPem"];
            case "otherHost":
                return ["untrusted", `the certificate of ${host} is for another host`, "use the host name that stands in the certificate"];
            case "outOfDate":
                return ["untrusted", `the certificate of ${host} has expired or is not valid yet`, "renew it, or correct this machine's clock"];
            case "notTls":
                return ["notThingsBoard", `${host} doesn't speak TLS`, "correct the port, or write http:// (and allowInsecureHttp) in a network you trust"];
            case "tls":
                return ["unreachable", `no TLS connection with ${host} (${failure.code})`, "it takes TLS 1.2 or later on both sides"];
            case "notHttp":
                return ["notThingsBoard", `${host} doesn't speak HTTP`, `correct the port${protocol === "http:" ? ", or write https://" : ""}`];
            case "tooLarge":
                return ["notThingsBoard", `the answer of ${host} is larger than 16 MiB`, "is this the address of ThingsBoard?"];
            case "proxy":
                return ["unreachable", `the proxy makes no connection to ${host} (${failure.code})`, "correct HTTPS_PROXY, or except the host by NO_PROXY"];
        }
    })();
    // What is not reached directly may be reached by way of a proxy.
    const aside = failure.unusedProxy !== undefined && (kind === "unreachable" || kind === "timeout") ? `; ${failure.unusedProxy}` : "";
    return new ApiError(sentence(purpose, what, remedy) + aside, { kind, mayHaveHappened: failure.sent });
}

function resetRemedy(protocol: string): string {
    return protocol === "http:" ? "if the server wants TLS, write https://; else it or a proxy broke down" : "the server or a proxy before it broke down";
}
