//! A name that is empty, too long or holds NUL does not exist (contract 3.5, 3.7).

use cholla_domain::name::SecretName;

fn nameless() -> SecretName {
    SecretName(String::new())
}

fn main() {}
