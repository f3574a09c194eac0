//! Short lists in order. The sorts of the standard library are made for long ones, and each type that is sorted brings a copy of
//! several kilobytes into the page's wasm.

/// Puts an item where it belongs in a list that is in order, behind those that are equal.
pub(crate) fn insert_sorted<T>(list: &mut Vec<T>, item: T, before: impl Fn(&T, &T) -> bool) {
    let at = list.iter().rposition(|other| !before(&item, other)).map_or(0, |at| at + 1);
    list.insert(at, item);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_in_order_and_equals_stay_as_they_came() {
        let mut list = Vec::new();
        for item in [(3, 'a'), (1, 'b'), (3, 'c'), (2, 'd'), (1, 'e')] {
            insert_sorted(&mut list, item, |a, b| a.0 < b.0);
        }
        assert_eq!(list, [(1, 'b'), (1, 'e'), (2, 'd'), (3, 'a'), (3, 'c')]);
    }
}
