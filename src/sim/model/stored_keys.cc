#include "sim/model/stored_keys.h"

#include "codec/tuple.h"

namespace kelpie::sim {

StoredPlace stored_place_of(ByteView key) {
  const auto elements = codec::unpack_tuple(key);
  if (!elements.ok() || elements->size() < 4) {
    return {};
  }
  for (const codec::TupleElement& element : *elements) {
    if (!element.is_string()) {
      return {};
    }
  }
  const auto part = [&](size_t i) -> const std::string& { return (*elements)[i].bytes; };
  if (part(0) != "kelpie") {
    return {};
  }
  const bool registry = part(1) == "registry";
  if (registry && part(2) == "epochs" && elements->size() == 4) {
    return {StoredPlace::Kind::kEpoch, part(3)};
  }
  if (registry && part(2) == "actors" && elements->size() == 6) {
    return {StoredPlace::Kind::kOwner, part(3) + "/" + part(4) + "/" + part(5)};
  }
  if (part(1) == "actors" && elements->size() == 6 && part(5) == "head") {
    return {StoredPlace::Kind::kHead, part(2) + "/" + part(3) + "/" + part(4)};
  }
  return {};
}

}  // namespace kelpie::sim
