#include "machine/request.h"

namespace softgpu {

uint32_t Request::add(uint64_t s, uint32_t bits) {
    for (uint32_t i = count; i-- > 0;)
        if (sector[i] == s) {
            bytes[i] |= bits;
            return i;
        }
    sector[count] = s;
    bytes[count] = bits;
    return count++;
}

Request::Request(const uint64_t *address, uint32_t mask, uint32_t lane_bytes) {
    const uint64_t first = address[0];
    uint64_t different = mask ^ FULL;
    for (uint32_t l = 0; l < LANES; ++l) different |= address[l] ^ (first + uint64_t(l) * lane_bytes);
    if (!different) {
        // Mostly the lanes access one range.
        const uint64_t end = first + LANES * lane_bytes;
        count = static_cast<uint32_t>((end - 1) / SECTOR - first / SECTOR + 1);
        for (uint32_t i = 0; i < count; ++i) {
            sector[i] = first / SECTOR + i;
            bytes[i] = FULL;
        }
        for (uint32_t l = 0; l < LANES; ++l)
            place[l] = static_cast<uint8_t>((first % SECTOR + l * lane_bytes) / SECTOR);
        bytes[0] &= FULL << first % SECTOR;
        bytes[count - 1] &= FULL >> (SECTOR - 1 - (end - 1) % SECTOR);
        return;
    }
    int before = __builtin_ctz(mask);
    for (uint32_t rest = mask; rest; rest &= rest - 1) {
        const int l = __builtin_ctz(rest);
        const uint64_t a = address[l];
        if (a == address[before] && l != before) {
            place[l] = place[before];
            continue;
        }
        before = l;
        const uint64_t bits = ((uint64_t(1) << lane_bytes) - 1) << a % SECTOR;
        place[l] = static_cast<uint8_t>(add(a / SECTOR, static_cast<uint32_t>(bits)));
        if (bits >> SECTOR) add(a / SECTOR + 1, static_cast<uint32_t>(bits >> SECTOR));
    }
}

}  // namespace softgpu
