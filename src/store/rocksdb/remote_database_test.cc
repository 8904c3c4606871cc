#include "store/remote_database.h"

#include <gtest/gtest.h>

#include <charconv>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "async/manual_loop.h"
#include "store/conformance.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"
#include "store/rocksdb/testing/thread_loop.h"
#include "store/run.h"
#include "store/testing/test_world.h"

namespace kelpie::store {
namespace {

std::vector<ConformanceCase> all_cases() {
  std::vector<ConformanceCase> cases(read_conformance().begin(), read_conformance().end());
  cases.insert(cases.end(), commit_conformance().begin(), commit_conformance().end());
  return cases;
}

class RemoteHandle : public ::testing::TestWithParam<ConformanceCase> {};

TEST_P(RemoteHandle, Conforms) {
  async::ManualLoop loop;
  testing::TestWorld test(loop);
  MemoryBackend backend;
  LocalDatabase database(test.world, backend);
  Scope scope(loop, nullptr);
  RemoteDatabase remote(loop, {loop, scope}, database);
  const Result<void> result = loop.run(GetParam().body(remote, loop));
  EXPECT_TRUE(result.ok()) << result.error().to_string();
  loop.run_ready();
}

INSTANTIATE_TEST_SUITE_P(Conformance, RemoteHandle, ::testing::ValuesIn(all_cases()),
                         [](const auto& info) { return std::string(info.param.name); });

Task<void> wait(async::Event& event) {
  co_await event.wait();
  co_return kOk;
}

Task<void> add_one(Transaction& transaction) {
  const std::optional<Bytes> stored = co_await transaction.get("sum");
  int total = 0;
  if (stored.has_value()) {
    std::from_chars(stored->data(), stored->data() + stored->size(), total);
  }
  transaction.set("sum", std::to_string(total + 1));
  co_return kOk;
}

Task<void> add_many(Database& database, int times) {
  for (int i = 0; i < times; ++i) {
    co_await run(database, add_one, {.retries_max = 1'000});
  }
  co_return kOk;
}

TEST(RemoteDatabase, SumsHoldWhenSeveralLoopsWriteAtOnce) {
  constexpr int kLoops = 2;
  constexpr int kTimes = 50;
  testing::ThreadLoop home;
  testing::TestWorld test(home);
  MemoryBackend backend;
  LocalDatabase database(test.world, backend);
  Scope scope(home, nullptr);
  async::Event finished(home);
  int running = kLoops;
  // They outlive the home loop's last message to them.
  std::vector<std::unique_ptr<testing::ThreadLoop>> loops;
  std::vector<std::thread> threads;
  for (int i = 0; i < kLoops; ++i) {
    loops.push_back(std::make_unique<testing::ThreadLoop>());
    threads.emplace_back([&, &here = *loops.back()] {
      RemoteDatabase remote(here, {home, scope}, database);
      EXPECT_TRUE(here.run(add_many(remote, kTimes)).ok());
      home.post_from_thread([&] {
        if (--running == 0) {
          finished.set();
        }
      });
    });
  }
  EXPECT_TRUE(home.run(wait(finished)).ok());
  for (std::thread& thread : threads) {
    thread.join();
  }
  home.run_ready();
  auto transaction = database.begin();
  EXPECT_EQ(home.run(transaction->get("sum")).value(), std::to_string(kLoops * kTimes));
}

}  // namespace
}  // namespace kelpie::store
