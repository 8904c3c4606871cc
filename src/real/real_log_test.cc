#include "real/real_log.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace kelpie::real {
namespace {

using world::LogField;
using world::LogLevel;

std::string line(LogFormat format, std::string_view event, const std::vector<LogField>& fields) {
  return format_log_line(format, LogEvent{.at = WallTime::from_nanos(1'500'000'000'123'456'789),
                                          .level = LogLevel::kWarn,
                                          .event = event,
                                          .fields = fields});
}

TEST(LogLine, AsTextQuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(line(LogFormat::kText, "disk is slow",
                 {{"path", "/data"}, {"note", "two words"}, {"empty", ""}, {"count", 3}}),
            "2017-07-14T02:40:00.123456Z WARN  disk is slow path=/data note=\"two words\" "
            "empty=\"\" count=3");
}

TEST(LogLine, AsTextKeepsOneEventOnOneLine) {
  EXPECT_EQ(line(LogFormat::kText, "x", {{"a", "one\ntwo\x1b[31m"}}),
            "2017-07-14T02:40:00.123456Z WARN  x a=\"one\\ntwo\\u001b[31m\"");
}

TEST(LogLine, AsJsonEscapesValues) {
  EXPECT_EQ(line(LogFormat::kJson, "said \"hi\"", {{"a", "back\\slash"}, {"b", "tab\t\n"}}),
            R"({"time":"2017-07-14T02:40:00.123456Z","level":"warn","event":"said \"hi\"",)"
            R"("a":"back\\slash","b":"tab\u0009\n"})");
}

TEST(LogLine, AsJsonIsUtf8WhateverTheBytesAre) {
  EXPECT_EQ(line(LogFormat::kJson, "x", {{"a", "caf\xc3\xa9"}, {"b", "\xff!"}}),
            "{\"time\":\"2017-07-14T02:40:00.123456Z\",\"level\":\"warn\",\"event\":\"x\","
            "\"a\":\"caf\xc3\xa9\",\"b\":\"\\u00ff!\"}");
}

TEST(RealLog, DropsWhatIsBelowItsLevel) {
  std::ostringstream out;
  RealLog log(LogOptions{.level = LogLevel::kWarn, .out = &out});
  log.info("quiet");
  EXPECT_EQ(out.str(), "");
  log.error("loud", {{"why", "test"}});
  EXPECT_NE(out.str().find("ERROR loud why=test\n"), std::string::npos);
  EXPECT_TRUE(log.enabled(LogLevel::kError));
  EXPECT_FALSE(log.enabled(LogLevel::kInfo));
}

TEST(RealLog, NeverMixesTheLinesOfTwoThreads) {
  std::ostringstream out;
  RealLog log(LogOptions{.format = LogFormat::kJson, .out = &out});
  const auto write_many = [&log](std::string text) {
    for (int i = 0; i < 500; ++i) {
      log.info("event", {{"text", text}});
    }
  };
  std::thread other(write_many, std::string(100, 'b'));
  write_many(std::string(100, 'a'));
  other.join();
  std::istringstream lines(out.str());
  std::string text;
  int count = 0;
  while (std::getline(lines, text)) {
    ++count;
    EXPECT_TRUE(text.starts_with("{\"time\":")) << text;
    EXPECT_TRUE(text.ends_with("a\"}") || text.ends_with("b\"}")) << text;
  }
  EXPECT_EQ(count, 1000);
}

}  // namespace
}  // namespace kelpie::real
