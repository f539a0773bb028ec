pub(crate) mod inner {
    use remotex::remote;

    #[remote(crate::SERVER)]
    pub(crate) fn far(text: &str) -> remotex::Result<String> {
        Ok(format!("far {text} in {}", std::process::id()))
    }

    #[remote(crate::SERVER)]
    pub(crate) fn ouch() -> remotex::Result<()> {
        panic!("ouch")
    }
}
