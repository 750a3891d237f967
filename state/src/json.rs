//! JSON in one form: what is an object is written as one.
//!
//! serde's derive takes a list of values for a struct, too, in the order of its fields. A record would then have two JSON
//! forms, and the second says nothing of which value is which. Here a list in the place of an object is an error. So is
//! `{"transfer": null}` in the place of the name `"transfer"`: enums are names, and have no fields.

use std::fmt;
use std::io::Read;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, Visitor,
};

/// Reads a value from the whole of a text.
///
/// # Errors
/// If the text is not JSON of exactly one such value, or has a list in the place of an object or anything but a name in
/// that of an enum.
pub fn from_slice<T: DeserializeOwned>(text: &[u8]) -> serde_json::Result<T> {
    read(serde_json::Deserializer::from_slice(text))
}

/// Reads a value from a reader, to its end.
///
/// # Errors
/// As [`from_slice`], or if reading fails.
pub fn from_reader<T: DeserializeOwned>(reader: impl Read) -> serde_json::Result<T> {
    read(serde_json::Deserializer::from_reader(reader))
}

fn read<'de, T: DeserializeOwned, R: serde_json::de::Read<'de>>(
    mut json: serde_json::Deserializer<R>,
) -> serde_json::Result<T> {
    let value = T::deserialize(Objects(&mut json))?;
    json.end()?;
    Ok(value)
}

/// A deserializer, or a part of one, in which structs are objects.
struct Objects<D>(D);

/// A visitor of it.
struct Watched<V> {
    visitor: V,
    /// Whether it visits a struct.
    object: bool,
}

impl<V> Watched<V> {
    const fn any(visitor: V) -> Self {
        Self { visitor, object: false }
    }

    const fn object(visitor: V) -> Self {
        Self { visitor, object: true }
    }
}

macro_rules! pass_on {
    ($($method:ident($($name:ident: $type:ty),*);)*) => {
        $(fn $method<V: Visitor<'de>>(self, $($name: $type,)* visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method($($name,)* Watched::any(visitor))
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Objects<D> {
    type Error = D::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_struct(name, fields, Watched::object(visitor))
    }

    pass_on! {
        deserialize_any();
        deserialize_bool();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_i64();
        deserialize_i128();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_u128();
        deserialize_f32();
        deserialize_f64();
        deserialize_char();
        deserialize_str();
        deserialize_string();
        deserialize_bytes();
        deserialize_byte_buf();
        deserialize_option();
        deserialize_unit();
        deserialize_unit_struct(name: &'static str);
        deserialize_newtype_struct(name: &'static str);
        deserialize_seq();
        deserialize_tuple(len: usize);
        deserialize_tuple_struct(name: &'static str, len: usize);
        deserialize_map();
        deserialize_identifier();
        deserialize_ignored_any();
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_str(Name(visitor))
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

/// A visitor of an enum, which is to be a name.
struct Name<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Name<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name of ")?;
        self.0.expecting(f)
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<V::Value, E> {
        self.0.visit_enum(name.into_deserializer())
    }
}

macro_rules! visit {
    ($($method:ident($type:ty);)*) => {
        $(fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.visitor.$method(value)
        })*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Watched<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.visitor.expecting(f)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        if self.object {
            return Err(A::Error::invalid_type(Unexpected::Seq, &self));
        }
        self.visitor.visit_seq(Objects(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(Objects(entries))
    }

    fn visit_some<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_some(Objects(value))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        self.visitor.visit_newtype_struct(Objects(value))
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.visitor.visit_unit()
    }

    visit! {
        visit_bool(bool);
        visit_i8(i8);
        visit_i16(i16);
        visit_i32(i32);
        visit_i64(i64);
        visit_i128(i128);
        visit_u8(u8);
        visit_u16(u16);
        visit_u32(u32);
        visit_u64(u64);
        visit_u128(u128);
        visit_f32(f32);
        visit_f64(f64);
        visit_char(char);
        visit_str(&str);
        visit_borrowed_str(&'de str);
        visit_string(String);
        visit_bytes(&[u8]);
        visit_borrowed_bytes(&'de [u8]);
        visit_byte_buf(Vec<u8>);
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Objects<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Objects(deserializer))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Objects<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Objects(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Objects<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(Objects(seed))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(Objects(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::from_slice;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Inner {
        number: u32,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Newtype(Inner);

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Choice {
        Left,
        Right,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Outer {
        list: Vec<Inner>,
        pair: (u8, Inner),
        some: Option<Inner>,
        wrapped: Newtype,
        choices: [Choice; 2],
        text: String,
    }

    /// Everywhere that a struct can be.
    #[test]
    fn a_list_is_no_object() {
        let good = r#"{"list":[{"number":1}],"pair":[2,{"number":2}],"some":{"number":3},"wrapped":{"number":4},
            "choices":["left","right"],"text":"x"}"#;
        let outer: Outer = from_slice(good.as_bytes()).unwrap();
        assert_eq!(
            (&outer.list[0], &outer.wrapped.0, outer.some),
            (&Inner { number: 1 }, &Inner { number: 4 }, Some(Inner { number: 3 }))
        );
        for number in 1..=4 {
            let object = format!("{{\"number\":{number}}}");
            let wrong = good.replace(&object, &format!("[{number}]"));
            assert_ne!(wrong, good);
            let error = from_slice::<Outer>(wrong.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with("invalid type: sequence, expected struct Inner at line "), "{error}");
            assert!(serde_json::from_str::<Outer>(&wrong).is_ok(), "serde takes it");
        }
        assert!(from_slice::<Inner>(b"[1]").is_err());
        assert!(from_slice::<Inner>(b"{\"number\":1} x").is_err(), "nothing may follow");
    }

    #[test]
    fn an_enum_is_a_name() {
        let choices =
            |text: &str| from_slice::<Vec<Choice>>(text.as_bytes()).map_err(|error| error.to_string());
        assert_eq!(choices(r#"["left","right"]"#), Ok(vec![Choice::Left, Choice::Right]));
        for wrong in [r#"{"left":null}"#, "[\"left\"]", "0", "null"] {
            let error = choices(&format!("[{wrong}]")).unwrap_err();
            assert!(error.contains("expected a name of enum Choice"), "{wrong}: {error}");
        }
        assert!(choices(r#"["up"]"#).unwrap_err().contains("unknown variant `up`"));
        assert!(serde_json::from_str::<Choice>(r#"{"left":null}"#).is_ok(), "serde takes it");
    }
}
