//! Nobody adds an action of their own, with a need of their own.

use cholla_domain::policy::Action;
use cholla_domain::principal::Permission;

enum Peek {}

impl Action for Peek {
    const NEEDS: Permission = Permission::SecretRead;
}

fn main() {}
