package io.framecast.data;

/** Makes seeds for {@link java.util.Random}, whose own scrambling leaves neighbouring seeds correlated. */
public final class Seeds {

    private Seeds() {
    }

    /**
     * One well-mixed seed from several numbers, in their order: each is mixed in with the finaliser of SplitMix64
     * (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
     *
     * @param parts the numbers
     * @return the seed
     */
    public static long mix(long... parts) {
        long z = 0;
        for (long part : parts) {
            z += part + 0x9e3779b97f4a7c15L;
            z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
            z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
            z ^= z >>> 31;
        }
        return z;
    }
}
