// The gates of a ConvLSTM.
#pragma once

namespace framecast {

constexpr int gate_count = 4;   // i, f, g, o

}  // namespace framecast
