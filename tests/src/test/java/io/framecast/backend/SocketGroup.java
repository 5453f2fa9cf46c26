package io.framecast.backend;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Processes of one machine, without MPI. Every exchange goes over process 0. One pair of sockets is for {@link
 * #allReduce}, the other for the rest. That a process has ended shows at the next exchange.
 */
public final class SocketGroup implements ProcessGroup {

    private static final int REDUCE = 0;
    private static final int REST = 1;

    private record Peer(DataInputStream in, DataOutputStream out) {
        Peer(Socket socket) throws IOException {
            this(new DataInputStream(socket.getInputStream()), new DataOutputStream(socket.getOutputStream()));
        }

        void send(byte[] bytes) throws IOException {
            ByteBuffer message = ByteBuffer.allocate(Integer.BYTES + bytes.length).putInt(bytes.length).put(bytes);
            out.write(message.array());
        }

        byte[] receive() throws IOException {
            return in.readNBytes(in.readInt());
        }
    }

    private final int rank;
    private final int size;
    private final List<Socket> sockets = new ArrayList<>();
    /** By {@link #REDUCE} and {@link #REST}: in process 0 the others, in these process 0. */
    private final Peer[][] peers;

    private SocketGroup(int size, int rank) {
        this.rank = rank;
        this.size = size;
        peers = new Peer[2][rank == 0 ? size - 1 : 1];
    }

    /** Waits for all. @param directory in which they find each other, a new one for each group */
    public static SocketGroup join(Path directory, int size, int rank) throws Exception {
        SocketGroup group = new SocketGroup(size, rank);
        Path port = directory.resolve("port");
        if (rank == 0) {
            try (ServerSocket server = new ServerSocket(0, 2 * size, InetAddress.getLoopbackAddress())) {
                Path written = Files.writeString(directory.resolve("port.new"), "" + server.getLocalPort());
                Files.move(written, port, StandardCopyOption.ATOMIC_MOVE);
                for (int k = 0; k < 2 * (size - 1); k++) {
                    Socket socket = server.accept();
                    Peer peer = group.peer(socket);
                    group.peers[peer.in.readInt()][peer.in.readInt() - 1] = peer;
                }
            }
        } else {
            while (!Files.exists(port)) {
                Thread.sleep(20);
            }
            for (int which : new int[] {REDUCE, REST}) {
                Socket socket = new Socket(InetAddress.getLoopbackAddress(), Integer.parseInt(Files.readString(port)));
                Peer peer = group.peer(socket);
                peer.out.writeInt(which);
                peer.out.writeInt(rank);
                group.peers[which][0] = peer;
            }
        }
        return group;
    }

    private Peer peer(Socket socket) throws IOException {
        socket.setTcpNoDelay(true);
        sockets.add(socket);
        return new Peer(socket);
    }

    /** The bytes of all, in all. */
    private List<byte[]> exchange(int which, byte[] own) {
        try {
            List<byte[]> all = new ArrayList<>();
            if (rank == 0) {
                all.add(own);
                for (Peer peer : peers[which]) {
                    all.add(peer.receive());
                }
                for (Peer peer : peers[which]) {
                    for (byte[] bytes : all) {
                        peer.send(bytes);
                    }
                }
            } else {
                peers[which][0].send(own);
                for (int k = 0; k < size; k++) {
                    all.add(peers[which][0].receive());
                }
            }
            return all;
        } catch (IOException e) {
            leave();
            throw new ProcessFailedException("Another process has ended.");
        }
    }

    @Override
    public int rank() {
        return rank;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public int localRank() {
        return rank;
    }

    @Override
    public int localSize() {
        return size;
    }

    @Override
    public double[] allGather(double... values) {
        ByteBuffer own = ByteBuffer.allocate(Double.BYTES * values.length);
        own.asDoubleBuffer().put(values);
        return exchange(REST, own.array()).stream().map(bytes -> ByteBuffer.wrap(bytes).asDoubleBuffer())
                .flatMapToDouble(buffer -> {
                    double[] part = new double[buffer.remaining()];
                    buffer.get(part);
                    return Arrays.stream(part);
                }).toArray();
    }

    @Override
    public List<byte[]> gather(byte[] bytes) {
        List<byte[]> all = exchange(REST, bytes);
        return rank == 0 ? all : List.of();
    }

    @Override
    public byte[] broadcast(byte[] bytes) {
        return exchange(REST, rank == 0 ? bytes : new byte[0]).get(0);
    }

    @Override
    public void allReduce(FloatBuffer values) {
        int count = values.capacity();
        ByteBuffer own = ByteBuffer.allocate(Float.BYTES * count);
        own.asFloatBuffer().put(0, values, 0, count);
        double[] sums = new double[count];
        for (byte[] bytes : exchange(REDUCE, own.array())) {
            FloatBuffer part = ByteBuffer.wrap(bytes).asFloatBuffer();
            for (int k = 0; k < count; k++) {
                sums[k] += part.get(k);
            }
        }
        for (int k = 0; k < count; k++) {
            values.put(k, (float) sums[k]);
        }
    }

    private void leave() {
        for (Socket socket : sockets) {
            try {
                socket.close();
            } catch (IOException e) {
                // It is of no more use.
            }
        }
    }

    /** There is nobody to tell: the others see it when this process ends. */
    @Override
    public boolean fail(String sentence) {
        return false;
    }

    @Override
    public void close() {
        leave();
    }
}
