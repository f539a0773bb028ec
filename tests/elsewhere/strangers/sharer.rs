fn main() {
    remotex::init();
    println!("{}", library::shared().unwrap());
}
