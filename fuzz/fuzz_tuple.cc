// Packed tuples: any bytes are refused, or unpack to a tuple that packs to the same bytes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "codec/subspace.h"
#include "codec/tuple.h"

namespace kelpie::fuzz {
namespace {

// A subspace reads the tuple that was packed below it, and refuses nothing that is inside.
void check_below(const codec::Tuple& tuple, std::string_view prefix) {
  const codec::Subspace space{Bytes(prefix)};
  const auto key = space.pack(tuple);
  CHECK(key.ok());
  CHECK(space.contains(*key));
  const auto back = space.unpack(*key);
  CHECK(back.ok() && *back == tuple);
  const codec::SubspaceRange range = space.range();
  CHECK(tuple.empty() || (range.begin <= *key && *key < range.end));
}

void check_tuple(std::string_view input) {
  const auto tuple = codec::unpack_tuple(input);
  if (!tuple.ok()) {
    CHECK(tuple.error().code == Code::kInvalidArgument);
    CHECK(tuple.error().message.find(" at offset ") != std::string_view::npos);
    return;
  }
  const auto packed = codec::pack_tuple(*tuple);
  CHECK(packed.ok());
  CHECK(*packed == input);
  check_below(*tuple, input.substr(0, input.size() / 2));
}

}  // namespace
}  // namespace kelpie::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kelpie::fuzz::check_tuple(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
