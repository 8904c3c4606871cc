// A tape as a file: one run, whole, as text that a person can read and a repository can keep.
//
//   kelpie-tape 1
//   scenario first_light
//   seed 17
//   mutant M24                 any number of these
//   oracle S20                 what it once broke
//   what one line on what it was
//   swarm chaos=1000000 …      what differs from a swarm that nobody has drawn
//   beyond mild                who decides when a stream has ended: `mild`, or `draw` by the seed
//   stream net/delay 12        its decisions follow, this many
//   450001:17 3 99 …           `bound:value` where the bound differs from the one before
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "sim/choices.h"
#include "sim/runner.h"

namespace kelpie::sim {

struct TapeFile {
  std::string scenario;
  uint64_t seed = 1;
  MutantSet mutants;
  std::string oracle;  // empty: it was clean
  std::string what;
  Swarm swarm;
  Beyond beyond = Beyond::kDraw;
  StreamTapes streams;
};

// The run that it is; the tape of a run that has its swarm.
RunOptions run_of(const TapeFile& tape);
TapeFile tape_of(std::string_view scenario, const RunOptions& run);

std::string write_tape(const TapeFile& tape);
// invalid_argument with the line's number for text that is no tape.
Result<TapeFile> read_tape(std::string_view text);

// Decisions of all streams together.
size_t decisions(const StreamTapes& streams);

}  // namespace kelpie::sim
