// The one place where what Beast keeps out of its headers is compiled.
#include <boost/beast/src.hpp>
