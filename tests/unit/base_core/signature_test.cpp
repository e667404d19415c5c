// Hashes by FIPS 180-4's examples; signatures that the openssl program made.
#include "base/core/digest.hpp"
#include "tests/unit/pki.hpp"

namespace base {
namespace {

using namespace tests;

TEST(Hasher, Fips180) {
  EXPECT_EQ(to_hex(hash(HashAlgorithm::sha256, "abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(hash(HashAlgorithm::sha384, "abc")),
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
  EXPECT_EQ(to_hex(hash(HashAlgorithm::sha512, "abc")),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9a"
            "c94fa54ca49f");
  for (const HashAlgorithm algorithm : {HashAlgorithm::sha256, HashAlgorithm::sha384, HashAlgorithm::sha512}) {
    Hasher hasher(algorithm);
    EXPECT_EQ(hasher.update("a").update("").update("bc").finish(), hash(algorithm, "abc"));
    EXPECT_EQ(hasher.update("x").finish(), hash(algorithm, "x")) << "it starts anew";
    EXPECT_EQ(size_of(algorithm), hash(algorithm, "").size());
  }
}

TEST(VerifySignature, EachSchemeVerifiesItsOwnAndNoOther) {
  struct Made {
    const char *name, *key, *options;
    SignatureScheme scheme;
  };
  const Made rows[] = {
      {"v_rsa", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048", "", SignatureScheme::rsa_pkcs1},
      {"v_rsa", "", "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest", SignatureScheme::rsa_pss},
      {"v_rsa", "", "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:max", SignatureScheme::rsa_pss},
      {"v_pss", "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048", "", SignatureScheme::rsa_pss},
      {"v_ec", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256", "", SignatureScheme::ecdsa},
      {"v_ec521", "-algorithm EC -pkeyopt ec_paramgen_curve:P-521", "", SignatureScheme::ecdsa},
  };
  TempDir dir;
  const std::string d = dir.path().string() + "/";
  spill(d + "data", "what is signed");
  for (const Made& made : rows) {
    const std::string f = d + made.name;
    if (*made.key != '\0')
      must_run("openssl genpkey " + std::string(made.key) + " -out " + f + " && openssl pkey -in " + f +
               " -pubout -outform DER -out " + f + ".spki");
    must_run("openssl dgst -sha384 -sign " + f + " " + made.options + " -out " + d + "sig " + d + "data");
    const std::string spki = slurp(f + ".spki"), signature = slurp(d + "sig");
    for (const SignatureScheme scheme : {SignatureScheme::rsa_pkcs1, SignatureScheme::rsa_pss, SignatureScheme::ecdsa})
      for (const HashAlgorithm algorithm : {HashAlgorithm::sha256, HashAlgorithm::sha384, HashAlgorithm::sha512})
        EXPECT_EQ(verify_signature(spki, scheme, algorithm, "what is signed", signature),
                  scheme == made.scheme && algorithm == HashAlgorithm::sha384)
            << made.name;
    EXPECT_FALSE(verify_signature(spki, made.scheme, HashAlgorithm::sha384, "what was signed", signature));
    EXPECT_FALSE(verify_signature(spki, made.scheme, HashAlgorithm::sha384, "what is signed", signature + "x"));
    EXPECT_FALSE(verify_signature(spki, made.scheme, HashAlgorithm::sha384, "what is signed", ""));
    EXPECT_FALSE(verify_signature(spki + "x", made.scheme, HashAlgorithm::sha384, "what is signed", signature));
    EXPECT_FALSE(verify_signature("", made.scheme, HashAlgorithm::sha384, "what is signed", signature));
  }
}

// RFC 5754 section 3.3: the signature is the DER of ECDSA-Sig-Value. The bare numbers, as other formats have them, are none.
TEST(VerifySignature, EcdsaIsDer) {
  TempDir dir;
  const std::string d = dir.path().string() + "/";
  spill(d + "data", "x");
  must_run("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out " + d + "k && openssl pkey -in " + d +
           "k -pubout -outform DER -out " + d + "spki && openssl dgst -sha256 -sign " + d + "k -out " + d + "sig " + d + "data");
  const std::string spki = slurp(d + "spki"), der = slurp(d + "sig");
  ASSERT_TRUE(verify_signature(spki, SignatureScheme::ecdsa, HashAlgorithm::sha256, "x", der));
  const auto number = [](std::string_view integer) {  // without its sign byte, 32 bytes
    std::string out(integer.substr(integer.size() > 32 ? integer.size() - 32 : 0));
    return std::string(32 - out.size(), '\0') + out;
  };
  const auto r_size = static_cast<std::size_t>(der[3]);
  const std::string raw = number(std::string_view(der).substr(4, r_size)) + number(std::string_view(der).substr(6 + r_size));
  EXPECT_FALSE(verify_signature(spki, SignatureScheme::ecdsa, HashAlgorithm::sha256, "x", raw));
}

}  // namespace
}  // namespace base
