// How often a test of many rounds repeats itself. Test support.
#pragma once

namespace kelpie::store::testing {

// The number in this variable of the environment, or `usual` if it is not set. A value that is not
// a number above 0 ends the program: it would be a test that cannot fail.
int rounds_asked_for(const char* variable, int usual);

}  // namespace kelpie::store::testing
