fn main() -> remotex::Result<()> {
    println!("{}", library::client()?);
    Ok(())
}
