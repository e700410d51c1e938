// Publishes one message over MQTT with a client certificate from a PKCS#12 key store. Nothing but the JDK is needed:
// java Publish.java <host> <port> <folder of the bundle> <message>, with the password in KEYSTORE_PASSWORD.

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedKeyManager;

public class Publish {
    public static void main(String[] args) throws Exception {
        String host = args[0];
        int port = Integer.parseInt(args[1]);
        Path folder = Path.of(args[2]);
        byte[] message = args[3].getBytes(StandardCharsets.UTF_8);
        char[] password = System.getenv("KEYSTORE_PASSWORD").toCharArray();

        SSLContext context = SSLContext.getInstance("TLS");
        context.init(new KeyManager[] { new OnlyKey(folder.resolve("device.p12"), password) }, trust(folder.resolve("tb-server-chain.pem")).getTrustManagers(), null);
        try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(host, port)) {
            var parameters = socket.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS"); // without it Java does not compare the host's name
            socket.setSSLParameters(parameters);
            var out = new DataOutputStream(socket.getOutputStream());
            var in = new DataInputStream(socket.getInputStream());

            packet(out, 0x10, join(text("MQTT"), new byte[] { 4, 2, 0, 60 }, text("java-client"))); // CONNECT, MQTT 3.1.1
            byte[] connack = read(in, 0x20);
            if (connack[1] != 0) throw new IOException("CONNACK " + connack[1]);
            packet(out, 0x32, join(text("v1/devices/me/telemetry"), new byte[] { 0, 1 }, message)); // PUBLISH, QoS 1
            read(in, 0x40);
            packet(out, 0xe0, new byte[0]); // DISCONNECT
            System.out.println("PUBACK");
        }
    }

    /** Offers its only key, whatever issuers the server names: ThingsBoard names only its own. */
    static class OnlyKey extends X509ExtendedKeyManager {
        private final String alias;
        private final PrivateKey key;
        private final X509Certificate[] chain;

        OnlyKey(Path file, char[] password) throws Exception {
            KeyStore store = KeyStore.getInstance("PKCS12");
            try (InputStream in = Files.newInputStream(file)) {
                store.load(in, password);
            }
            alias = store.aliases().nextElement();
            key = (PrivateKey) store.getKey(alias, password);
            Certificate[] certificates = store.getCertificateChain(alias);
            chain = Arrays.copyOf(certificates, certificates.length, X509Certificate[].class);
        }

        @Override public String chooseClientAlias(String[] keyTypes, Principal[] issuers, Socket socket) { return alias; }
        @Override public String[] getClientAliases(String keyType, Principal[] issuers) { return new String[] { alias }; }
        @Override public X509Certificate[] getCertificateChain(String alias) { return chain; }
        @Override public PrivateKey getPrivateKey(String alias) { return key; }
        @Override public String chooseServerAlias(String keyType, Principal[] issuers, Socket socket) { return null; }
        @Override public String[] getServerAliases(String keyType, Principal[] issuers) { return null; }
    }

    /** Java's own authorities where the server's certificate is from a public one, and the bundle has no file for it. */
    static TrustManagerFactory trust(Path file) throws Exception {
        var factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        if (!Files.exists(file)) {
            factory.init((KeyStore) null);
            return factory;
        }
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        try (InputStream in = Files.newInputStream(file)) {
            int index = 0;
            for (Certificate certificate : CertificateFactory.getInstance("X.509").generateCertificates(in)) store.setCertificateEntry("server-" + index++, certificate);
        }
        factory.init(store);
        return factory;
    }

    static byte[] text(String text) throws IOException {
        var bytes = new ByteArrayOutputStream();
        new DataOutputStream(bytes).writeUTF(text);
        return bytes.toByteArray();
    }

    static byte[] join(byte[]... parts) throws IOException {
        var bytes = new ByteArrayOutputStream();
        for (byte[] part : parts) bytes.write(part);
        return bytes.toByteArray();
    }

    /** One packet at a time, so that it leaves in one record. */
    static void packet(DataOutputStream out, int type, byte[] body) throws IOException {
        var bytes = new ByteArrayOutputStream();
        bytes.write(type);
        int left = body.length;
        do {
            int digit = left % 128;
            left /= 128;
            bytes.write(left > 0 ? digit | 0x80 : digit);
        } while (left > 0);
        bytes.write(body);
        out.write(bytes.toByteArray());
        out.flush();
    }

    static byte[] read(DataInputStream in, int type) throws IOException {
        int first = in.readUnsignedByte();
        int length = in.readUnsignedByte(); // CONNACK and PUBACK are short
        byte[] body = in.readNBytes(length);
        if ((first & 0xf0) != type) throw new IOException("expected a packet of type " + type + ", got " + first);
        return body;
    }
}
