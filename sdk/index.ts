/**
 * Everything a program may import.
 * @module pulumi-thingsboard
 */

export { CertificateAuthority, type CertificateAuthorityArgs, type IntermediateAuthorityArgs } from "./resources/certificateAuthority";
export { DeviceCertificate, type DeviceCertificateArgs } from "./resources/deviceCertificate";
export type { KeyAlgorithm } from "./resources/keyAlgorithm";
export { DeviceBundle, type DeviceBundleArgs } from "./resources/deviceBundle";
export { DeviceCredential, type DeviceCredentialArgs } from "./resources/deviceCredential";
export { DeviceProfile, type DeviceProfileArgs, type MqttTransportArgs, type X509ChainArgs } from "./resources/deviceProfile";
export { DeviceFleet, type DeviceFleetArgs, type DeviceOfFleet, type FleetCertificateArgs, type FleetDevice, type FleetPublishCheck, type FleetSummary } from "./resources/deviceFleet";
export type { Shard } from "./resources/fleetMembership";
export { Device, type DeviceArgs } from "./resources/device";
export { EnrolmentCheck, type EnrolmentCheckArgs } from "./resources/enrolmentCheck";
export { PublishCheck, type PublishCheckArgs } from "./resources/publishCheck";
export { ServerChain, type ServerChainArgs } from "./resources/serverChain";
export { Provider, type ProviderArgs } from "./provider";
