#include "api/auth.h"

#include <gtest/gtest.h>

#include <vector>

namespace kelpie::api {
namespace {

TEST(Auth, ComparisonSaysWhetherTheBytesAreTheSame) {
  struct Row {
    std::string_view given, expected;
    bool same;
  };
  for (const Row& row : std::vector<Row>{{"", "", true},
                                         {"a", "", false},
                                         {"", "a", false},
                                         {"secret", "secret", true},
                                         {"secreT", "secret", false},
                                         {"Secret", "secret", false},
                                         {"secre", "secret", false},
                                         {"secretsecret", "secret", false},
                                         {"aaa", "a", false},
                                         {std::string_view("a\0", 2), "a", false},
                                         {"\xff\x80", "\xff\x80", true}}) {
    EXPECT_EQ(equal_in_constant_time(row.given, row.expected), row.same)
        << row.given << " " << row.expected;
  }
}

TEST(Auth, WithoutAKeyEveryoneMayCall) {
  EXPECT_TRUE(authorised({}, ""));
  EXPECT_TRUE(authorised({{"authorization", "Bearer whatever"}}, ""));
}

TEST(Auth, AKeyIsTakenAsBearerOrAsPasswordAndInNoOtherWay) {
  struct Row {
    net::Headers headers;
    bool allowed;
  };
  const std::vector<Row> rows = {
      {{}, false},
      {{{"authorization", "Bearer k"}}, true},
      {{{"x-bare-password", "password k"}}, true},
      {{{"authorization", "Bearer wrong"}, {"x-bare-password", "password k"}}, true},
      {{{"authorization", "Bearer k2"}}, false},
      {{{"authorization", "Bearer "}}, false},
      {{{"authorization", "Bearer"}}, false},
      {{{"authorization", "k"}}, false},
      {{{"authorization", "password k"}}, false},
      {{{"authorization", "Basic k"}}, false},
      {{{"authorization", " Bearer k"}}, false},
      {{{"authorization", "Bearer k "}}, false},
      {{{"x-bare-password", "Bearer k"}}, false},
      {{{"x-bare-password", "k"}}, false},
      {{{"cookie", "Bearer k"}}, false},
  };
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(authorised(rows[i].headers, "k"), rows[i].allowed) << "row " << i;
  }
}

}  // namespace
}  // namespace kelpie::api
