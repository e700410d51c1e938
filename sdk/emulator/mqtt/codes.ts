// Reason codes of MQTT 5 and what ThingsBoard makes of them in 3.1.1.

export const CODES = {
    success: 0x00,
    noSubscription: 0x11,
    malformedPacket: 0x81,
    implementationSpecific: 0x83,
    invalidClientId: 0x85,
    badUserNameOrPassword: 0x86,
    notAuthorized: 0x87,
    serverUnavailable: 0x88,
    serverBusy: 0x89,
    sessionTakenOver: 0x8e,
    invalidTopicFilter: 0x8f,
    invalidTopicName: 0x90,
    messageRateTooHigh: 0x96,
    administrativeAction: 0x98,
    invalidPayload: 0x99,
    quotaExceeded: 0x97,
    connectionRateExceeded: 0x9f,
    keepAliveTimeout: 0x8d,
} as const;

const IN_3_1_1: Record<number, number> = {
    [CODES.invalidClientId]: 2,
    [CODES.badUserNameOrPassword]: 5,
    [CODES.notAuthorized]: 5,
    [CODES.serverUnavailable]: 3,
    [CODES.connectionRateExceeded]: 3,
    0x84: 1,
};
const IN_5: Record<number, number> = { 1: 0x84, 2: CODES.invalidClientId, 3: CODES.serverUnavailable, 4: CODES.badUserNameOrPassword, 5: CODES.notAuthorized };

/** A CONNACK code in the words of the protocol version. */
export const connackCode = (code: number, protocolVersion: number): number =>
    protocolVersion === 5 ? (IN_5[code] ?? code) : code <= 5 ? code : (IN_3_1_1[code] ?? 3);
