mod guard;

use super::*;
