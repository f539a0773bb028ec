fn main() -> remotex::Result<()> {
    println!("{}", library::client()?);
    library::ouch()
}
