// Logs made by hand, for tests.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "log.h"

namespace kelpie::contend::testing {

inline Call read(int64_t called, int64_t returned, int64_t value) {
  return {.called_ns = called,
          .returned_ns = returned,
          .actor = "a",
          .kind = Kind::kRead,
          .outcome = "ok",
          .value = value};
}

inline Call add(int64_t called, int64_t returned, std::string key, int64_t value,
                std::string generation = "01") {
  return {.called_ns = called,
          .returned_ns = returned,
          .actor = "a",
          .kind = Kind::kAdd,
          .key = std::move(key),
          .outcome = "ok",
          .value = value,
          .generation = std::move(generation)};
}

inline Call failed_add(int64_t called, int64_t returned, std::string key, std::string outcome) {
  return {.called_ns = called,
          .returned_ns = returned,
          .actor = "a",
          .kind = Kind::kAdd,
          .key = std::move(key),
          .outcome = std::move(outcome)};
}

inline Call refused(int64_t called, int64_t returned, std::string owner) {
  Call call = read(called, returned, 0);
  call.outcome = "elsewhere";
  call.owner = std::move(owner);
  return call;
}

inline NodeLog log_of(std::string node, std::vector<Call> calls) {
  return {.node = std::move(node), .calls = std::move(calls), .epochs = {}};
}

}  // namespace kelpie::contend::testing
