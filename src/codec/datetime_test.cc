#include "codec/datetime.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace kelpie::codec {
namespace {

TEST(Datetime, WritesIsoTimes) {
  EXPECT_EQ(format_seconds(WallTime::from_seconds(0)), "1970-01-01T00:00:00+00:00");
  EXPECT_EQ(format_seconds(WallTime::from_seconds(1'795'208'532)), "2026-11-20T21:02:12+00:00");
  EXPECT_EQ(format_micros(WallTime::from_nanos(1'795'208'532'123'456'789)),
            "2026-11-20T21:02:12.123456+00:00");
  EXPECT_EQ(format_micros(WallTime::from_nanos(-1)), "1969-12-31T23:59:59.999999+00:00");
  EXPECT_EQ(format_seconds(WallTime::from_seconds(951'782'400)), "2000-02-29T00:00:00+00:00");
  EXPECT_EQ(format_seconds(WallTime::from_nanos(std::numeric_limits<int64_t>::min())),
            "1677-09-21T00:12:43+00:00");
  EXPECT_EQ(format_seconds(WallTime::from_nanos(std::numeric_limits<int64_t>::max())),
            "2262-04-11T23:47:16+00:00");
}

TEST(Datetime, WritesHttpDates) {
  EXPECT_EQ(format_http_date(WallTime::from_seconds(784'111'777)), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(format_http_date(WallTime::from_seconds(0)), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(format_http_date(WallTime::from_seconds(-1)), "Wed, 31 Dec 1969 23:59:59 GMT");
}

TEST(Datetime, ReadsBackEveryDay) {
  for (int64_t day = -106'000; day < 106'000; ++day) {
    const WallTime time = WallTime::from_nanos(day * 86'400'000'000'000 + 123'456'000);
    ASSERT_EQ(parse_datetime(format_micros(time)).value(), time) << day;
  }
}

TEST(Datetime, ReadsTheFormsThatClientsSend) {
  const WallTime expected = WallTime::from_seconds(1'795'208'532);
  for (const char* text : {"2026-11-20T21:02:12Z", "2026-11-20 21:02:12", "2026-11-20t21:02:12z",
                           "2026-11-20T23:02:12+02:00", "2026-11-20T16:32:12-0430",
                           "2026-11-20T21:02:12.000Z", "2026-11-20T22:02:12+01"}) {
    EXPECT_EQ(parse_datetime(text).value(), expected) << text;
  }
  EXPECT_EQ(parse_datetime("1970-01-02").value(), WallTime::from_seconds(86'400));
  EXPECT_EQ(parse_datetime("1970-01-01T00:00:00.5").value(), WallTime::from_nanos(500'000'000));
}

TEST(Datetime, RefusesWhatIsNotInTheCalendar) {
  for (const char* text :
       {"", "2026", "2026-13-01", "2026-02-29", "2100-02-29", "2026-00-10", "2026-01-00",
        "2026-04-31", "2026-01-01T24:00:00", "2026-01-01T00:60:00", "2026-01-01T00:00",
        "2026-01-01T00:00:00.", "2026-01-01T00:00:00X", "2026-01-01T00:00:00Zx", "1000-01-01",
        "9999-01-01", "2026-1-1", "2026-01-01T00:00:00.1234567890", "-026-01-01"}) {
    EXPECT_FALSE(parse_datetime(text).ok()) << text;
  }
}

}  // namespace
}  // namespace kelpie::codec
